//! A fault's body, evaluated, as what the keeper does.
//!
//! Comes in: the fields of an `engine local` body. Goes out: an [`Action`], or what is wrong with the body. Here are all
//! actions that the local engine knows; a fault of a project may use any of them.

use serde::{Deserialize, Serialize};

use super::limits::Limit;
use super::names::{NameChange, NameFault};
use super::proxy::{Distribution, HttpChange, HttpFault, PathFault, Sides};
use crate::types::{Decimal, Entry, Value};

/// What is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// Something happens on the way to each target.
    Path(PathFault),
    /// A signal, by its word.
    Signal(String),
    /// SIGTERM, and SIGKILL after so many nanoseconds.
    End {
        /// Nanoseconds; 0: SIGKILL at once.
        grace: u64,
    },
    /// The same, and started again.
    Restart {
        /// Nanoseconds; 0: SIGKILL at once.
        grace: u64,
    },
    /// Stands still.
    Stop,
    /// Keeps the processor busy.
    Cpu {
        /// In thousandths of a core, per target.
        millicores: u64,
    },
    /// Takes memory.
    Memory {
        /// Per target.
        bytes: u64,
    },
    /// Sends requests to URLs.
    Load {
        /// Requests per thousand seconds, in all.
        millirate: u64,
        /// Added to the URL.
        path: String,
        /// `GET` or `HEAD`.
        method: String,
    },
    /// Something is done to the names that each target asks for.
    Names(NameFault),
    /// The clock is wrong.
    Clock {
        /// By so many nanoseconds.
        by: i64,
    },
    /// Packets on the way to each target are lost.
    Loss {
        /// Of ten thousand.
        share: u32,
        /// Which.
        sides: Sides,
    },
    /// Gets less of something than it had.
    Limit(Limit),
    /// Fills a folder or a disk.
    Fill {
        /// The folder.
        folder: String,
        /// With how much.
        amount: Amount,
    },
}

/// How much of a disk is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Amount {
    /// So many bytes.
    Bytes(u64),
    /// Until the file system is this full, in hundredths of a percent.
    Full(u32),
}

impl Action {
    /// The action of a body.
    ///
    /// # Errors
    /// What the body lacks, in words.
    pub fn of_body(body: &[Entry]) -> Result<Self, String> {
        let fields = Fields(body);
        let action = fields.text("action")?;
        Ok(match action {
            "process.signal" => {
                let word = fields.text("signal")?;
                super::process::signal_named(word).ok_or_else(|| format!("there is no signal `{word}`"))?;
                Self::Signal(word.to_owned())
            }
            "process.kill" => Self::End { grace: fields.time("grace")? },
            "process.restart" => Self::Restart { grace: fields.time("grace")? },
            "process.stop" => Self::Stop,
            "stress.cpu" => Self::Cpu { millicores: fields.thousandths("load")? },
            "stress.memory" => Self::Memory { bytes: fields.bytes("size")? },
            "load.http" => Self::Load {
                millirate: match fields.need("rate")? {
                    Value::Rate(r) => whole(r.0 * Decimal::from(1000)).ok_or("`rate` is no rate")?,
                    _ => return Err("`rate` is no rate".to_owned()),
                },
                path: fields.text("path")?.to_owned(),
                method: fields.text("method")?.to_ascii_uppercase(),
            },
            "disk.fill" => Self::Fill {
                folder: fields.text("path")?.to_owned(),
                amount: match fields.get("size") {
                    Some(_) => Amount::Bytes(fields.bytes("size")?),
                    None => Amount::Full(fields.share("fill")?),
                },
            },
            "clock.skew" => Self::Clock {
                by: match fields.need("by")? {
                    Value::Offset(offset) => offset.as_nanos(),
                    _ => return Err("`by` is no offset".to_owned()),
                },
            },
            "limit.cpu" => Self::Limit(Limit::Cpu { millicores: fields.thousandths("cores")? }),
            "limit.memory" => Self::Limit(Limit::Memory { bytes: fields.bytes("room")? }),
            "limit.disk" => {
                let rate = |key| fields.get(key).map(|_| fields.bits(key).map(|bits| bits.div_ceil(8))).transpose();
                let (read, write) = (rate("read")?, rate("write")?);
                if read.is_none() && write.is_none() {
                    return Err("the body limits neither `read` nor `write`".to_owned());
                }
                Self::Limit(Limit::Disk { folder: fields.text("path")?.to_owned(), read, write })
            }
            "packets.drop" => Self::Loss { share: fields.share("share")?, sides: fields.sides()? },
            _ if action.starts_with("dns.") => Self::Names(name_fault(action, &fields)?),
            _ => Self::Path(path_fault(action, &fields)?),
        })
    }

    /// Whether it happens to a process, and not only on the way to it or beside it.
    #[must_use]
    pub fn needs_process(&self) -> bool {
        matches!(self, Self::Signal(_) | Self::End { .. } | Self::Restart { .. } | Self::Stop | Self::Limit(_))
    }
}

fn path_fault(action: &str, fields: &Fields<'_>) -> Result<PathFault, String> {
    Ok(match action {
        "proxy.delay" => PathFault::Delay {
            latency: fields.time("latency")?,
            jitter: fields.time_or("jitter", 0)?,
            distribution: match fields.text_or("distribution", "uniform")? {
                "uniform" => Distribution::Uniform,
                "normal" => Distribution::Normal,
                "exponential" => Distribution::Exponential,
                "pareto" => Distribution::Pareto,
                other => return Err(format!("there is no distribution `{other}`")),
            },
            sides: fields.sides()?,
        },
        "proxy.bandwidth" => PathFault::Bandwidth { bits_per_second: fields.bits("rate")?, sides: fields.sides()? },
        "proxy.stall" => {
            PathFault::Stall { share: fields.share("share")?, stall: fields.time("stall")?, sides: fields.sides()? }
        }
        "proxy.cut" => PathFault::Cut { sides: fields.sides()? },
        "proxy.reset" => PathFault::Reset { share: fields.share("share")? },
        "proxy.half-open" => PathFault::HalfOpen,
        "proxy.slow-close" => PathFault::SlowClose { wait: fields.time("wait")?, sides: fields.sides()? },
        "http.abort" => fields.http(HttpChange::Abort)?,
        "http.delay" => fields.http(HttpChange::Delay(fields.time("latency")?))?,
        "http.status" => fields.http(HttpChange::Status(fields.status()?))?,
        "http.header" => {
            let (name, value) = (fields.text("name")?, fields.text("value")?);
            if name.is_empty()
                || [name, value].iter().any(|t| t.contains(['\r', '\n', '\0']))
                || name.contains([':', ' '])
            {
                return Err(format!("`{name}: {value}` is no header"));
            }
            fields.http(HttpChange::Header(name.to_owned(), value.to_owned()))?
        }
        "http.body" => fields.http(HttpChange::Body(fields.text("body")?.to_owned()))?,
        other => return Err(format!("the local engine has no action `{other}`")),
    })
}

fn name_fault(action: &str, fields: &Fields<'_>) -> Result<NameFault, String> {
    let change = match action {
        "dns.error" => NameChange::Fails,
        "dns.not-found" => NameChange::Missing,
        "dns.silence" => NameChange::Silence,
        "dns.random" => NameChange::Random,
        "dns.wrong" => {
            let address = fields.text("address")?;
            NameChange::Address(address.parse().map_err(|_| format!("`{address}` is no address of IPv4 or IPv6"))?)
        }
        "dns.spoof" => return Ok(NameFault { names: vec![], within: false, change: fields.pairs("answers")? }),
        "dns.delay" => NameChange::Delay { latency: fields.time("latency")?, jitter: fields.time_or("jitter", 0)? },
        other => return Err(format!("the local engine has no action `{other}`")),
    };
    let mut names = fields.names("names")?;
    names.extend(fields.names("patterns")?);
    if names.is_empty() {
        return Err("the body names no name".to_owned());
    }
    let within = match fields.text_or("matching", "exact")? {
        "exact" => false,
        "substring" => true,
        other => return Err(format!("names are not matched by `{other}`")),
    };
    Ok(NameFault { names, within, change })
}

/// As names are compared: in lower case, without the dot at the end.
fn plain_name(text: &str) -> String {
    text.trim_end_matches('.').to_ascii_lowercase()
}

/// The fields of a body, read by type.
struct Fields<'a>(&'a [Entry]);

impl<'a> Fields<'a> {
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.iter().find(|e| e.key == key).map(|e| &e.value).filter(|v| **v != Value::None)
    }

    fn need(&self, key: &str) -> Result<&'a Value, String> {
        self.get(key).ok_or_else(|| format!("the body has no `{key}`"))
    }

    fn text(&self, key: &str) -> Result<&'a str, String> {
        self.need(key)?.as_text().ok_or_else(|| format!("`{key}` is no text"))
    }

    fn text_or<'b>(&self, key: &str, default: &'b str) -> Result<&'b str, String>
    where
        'a: 'b,
    {
        if self.get(key).is_some() { self.text(key) } else { Ok(default) }
    }

    fn time(&self, key: &str) -> Result<u64, String> {
        match self.need(key)? {
            Value::Duration(d) => Ok(d.as_nanos()),
            _ => Err(format!("`{key}` is no duration")),
        }
    }

    fn time_or(&self, key: &str, default: u64) -> Result<u64, String> {
        if self.get(key).is_some() { self.time(key) } else { Ok(default) }
    }

    fn bytes(&self, key: &str) -> Result<u64, String> {
        match self.need(key)? {
            Value::Bytes(b) => Ok(b.0),
            _ => Err(format!("`{key}` is no size")),
        }
    }

    fn bits(&self, key: &str) -> Result<u64, String> {
        match self.need(key)? {
            Value::Bitrate(b) if b.0 > 0 => Ok(b.0),
            _ => Err(format!("`{key}` is no bitrate")),
        }
    }

    /// Of ten thousand; more than nothing stays more than nothing.
    fn share(&self, key: &str) -> Result<u32, String> {
        match self.need(key)? {
            Value::Percent(p) => whole(p.0 * Decimal::ONE_HUNDRED)
                .and_then(|n| u32::try_from(n).ok())
                .filter(|n| *n <= 10_000)
                .ok_or_else(|| format!("`{key}` is no share")),
            _ => Err(format!("`{key}` is no percentage")),
        }
    }

    fn thousandths(&self, key: &str) -> Result<u64, String> {
        match self.need(key)? {
            Value::Cores(c) => {
                whole(c.0 * Decimal::from(1000)).ok_or_else(|| format!("`{key}` is no amount of processor"))
            }
            _ => Err(format!("`{key}` is no amount of processor")),
        }
    }

    fn sides(&self) -> Result<Sides, String> {
        Ok(match self.text_or("direction", "outgoing")? {
            "outgoing" => Sides::Outgoing,
            "incoming" => Sides::Incoming,
            "both" => Sides::Both,
            other => return Err(format!("there is no direction `{other}`")),
        })
    }

    fn status(&self) -> Result<u16, String> {
        match self.need("code")? {
            Value::Int(code) => u16::try_from(*code)
                .ok()
                .filter(|c| (100..600).contains(c))
                .ok_or_else(|| format!("{code} is no status")),
            _ => Err("`code` is no status".to_owned()),
        }
    }

    fn names(&self, key: &str) -> Result<Vec<String>, String> {
        match self.get(key) {
            None => Ok(Vec::new()),
            Some(Value::List(items)) => items
                .iter()
                .map(|item| item.as_text().map(plain_name).ok_or_else(|| format!("`{key}` holds what is no name")))
                .collect(),
            Some(_) => Err(format!("`{key}` is no list")),
        }
    }

    fn pairs(&self, key: &str) -> Result<NameChange, String> {
        let Value::Record(entries) = self.need(key)? else { return Err(format!("`{key}` is no map of names")) };
        let pair = |entry: &Entry| {
            let other = entry.value.as_text().filter(|t| !t.is_empty());
            other.map(|other| (plain_name(&entry.key), plain_name(other)))
        };
        let pairs: Option<Vec<_>> = entries.iter().map(pair).collect();
        match pairs {
            Some(pairs) if !pairs.is_empty() => Ok(NameChange::Instead(pairs)),
            _ => Err(format!("`{key}` is no map of names")),
        }
    }

    fn http(&self, change: HttpChange) -> Result<PathFault, String> {
        let method = self.text_or("method", "any")?;
        Ok(PathFault::Http(HttpFault {
            method: (method != "any").then(|| method.to_ascii_uppercase()),
            path: self.get("path").map(|_| self.text("path").map(str::to_owned)).transpose()?,
            share: if self.get("share").is_some() { self.share("share")? } else { 10_000 },
            change,
        }))
    }
}

fn whole(number: Decimal) -> Option<u64> {
    use rust_decimal::prelude::ToPrimitive;
    number.ceil().to_u64().filter(|n| *n > 0)
}
