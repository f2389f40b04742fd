//! What an expression gives once everything is known: plain data that a plan can hold.

use std::fmt;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

use super::{Bitrate, Bytes, Cores, Duration, Offset, Percent, Rate, decimal_text};

/// One `key: value` of a record, in the order in which it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Entry {
    /// The key, as written (without quotes).
    pub key: SmolStr,
    /// The value.
    pub value: Value,
}

/// A value. In a plan it reads `{ "percent": "99.5%" }`: the unit travels with the number.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// `none`.
    None,
    /// `true`, `false`.
    Bool(bool),
    /// A whole number.
    Int(i64),
    /// An exact decimal.
    Number(#[schemars(with = "String")] Decimal),
    /// Text.
    String(SmolStr),
    /// A length of time.
    Duration(Duration),
    /// A signed length of time.
    Offset(Offset),
    /// A share.
    Percent(Percent),
    /// A size.
    Bytes(Bytes),
    /// A network speed.
    Bitrate(Bitrate),
    /// An amount of processor.
    Cores(Cores),
    /// Events per second.
    Rate(Rate),
    /// `2022-03-14`.
    Date(SmolStr),
    /// A checked URL.
    Url(SmolStr),
    /// A checked host name or address.
    Host(SmolStr),
    /// The *name* of a secret; never its text.
    Secret(SmolStr),
    /// A word of an enumeration.
    Word(SmolStr),
    /// A declared thing, by name: a service, team, slo, incident, cluster, environment, fault.
    Declared(SmolStr),
    /// `[a, b]`.
    List(Vec<Value>),
    /// `{ key: value }`.
    Record(Vec<Entry>),
    /// What a draw of the plan hits: an index into `Plan::draws`.
    Draw(u32),
}

impl Value {
    /// What it is, for messages: "a duration".
    #[must_use]
    pub fn describe(&self) -> &'static str {
        match self {
            Self::None => "`none`",
            Self::Bool(_) => "a truth value",
            Self::Int(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::String(_) => "text",
            Self::Duration(_) => "a duration",
            Self::Offset(_) => "an offset",
            Self::Percent(_) => "a percentage",
            Self::Bytes(_) => "a size",
            Self::Bitrate(_) => "a bitrate",
            Self::Cores(_) => "an amount of processor",
            Self::Rate(_) => "a rate",
            Self::Date(_) => "a date",
            Self::Url(_) => "a URL",
            Self::Host(_) => "a host",
            Self::Secret(_) => "a secret",
            Self::Word(_) => "a word",
            Self::Declared(_) => "a declared name",
            Self::List(_) => "a list",
            Self::Record(_) => "a record",
            Self::Draw(_) => "a target",
        }
    }

    /// Whether an emitter prints nothing for it: `none`, an empty list or map (an explicit empty list makes Chaos Mesh
    /// 2.8 admit an object that it then never injects; `chaos-mesh.md` T2).
    #[must_use]
    pub fn is_absent(&self) -> bool {
        match self {
            Self::None => true,
            Self::List(items) => items.is_empty(),
            Self::Record(entries) => entries.iter().all(|e| e.value.is_absent()),
            _ => false,
        }
    }

    /// The field of a record.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        match self {
            Self::Record(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.value),
            _ => None,
        }
    }

    /// The text of a string, word, name, URL, host or date.
    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::String(t) | Self::Word(t) | Self::Declared(t) | Self::Url(t) | Self::Host(t) | Self::Date(t) => {
                Some(t)
            }
            _ => None,
        }
    }
}

/// As the language writes it.
impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Bool(b) => write!(f, "{b}"),
            Self::Int(n) => write!(f, "{n}"),
            Self::Number(n) => f.write_str(&decimal_text(*n)),
            Self::String(t) | Self::Url(t) | Self::Host(t) => write!(f, "{t:?}"),
            Self::Duration(d) => write!(f, "{d}"),
            Self::Offset(o) => write!(f, "{o}"),
            Self::Percent(p) => write!(f, "{p}"),
            Self::Bytes(b) => write!(f, "{b}"),
            Self::Bitrate(r) => write!(f, "{r}"),
            Self::Cores(c) => write!(f, "{c}"),
            Self::Rate(r) => write!(f, "{r}"),
            Self::Date(t) | Self::Word(t) | Self::Declared(t) => f.write_str(t),
            Self::Secret(name) => write!(f, "secret({name:?})"),
            Self::List(items) => {
                f.write_str("[")?;
                for (i, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if i > 0 { ", " } else { "" })?;
                }
                f.write_str("]")
            }
            Self::Record(entries) => {
                f.write_str("{")?;
                for (i, e) in entries.iter().enumerate() {
                    write!(f, "{} {}: {}", if i > 0 { "," } else { "" }, e.key, e.value)?;
                }
                f.write_str(" }")
            }
            Self::Draw(n) => write!(f, "draw {n}"),
        }
    }
}
