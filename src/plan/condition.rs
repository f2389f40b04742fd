//! Conditions over streams of samples, as data that every judge (interpreter, gate, native probes) evaluates alike.

use serde::{Deserialize, Serialize};

use crate::types::Value;

/// `==` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Comparison {
    /// `==`
    #[serde(rename = "==")]
    Equal,
    /// `!=`
    #[serde(rename = "!=")]
    NotEqual,
    /// `<`
    #[serde(rename = "<")]
    Less,
    /// `<=`
    #[serde(rename = "<=")]
    LessOrEqual,
    /// `>`
    #[serde(rename = ">")]
    Greater,
    /// `>=`
    #[serde(rename = ">=")]
    GreaterOrEqual,
}

impl Comparison {
    /// As written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// The operator of a text.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Equal, Self::NotEqual, Self::LessOrEqual, Self::GreaterOrEqual, Self::Less, Self::Greater]
            .into_iter()
            .find(|c| c.text() == text)
    }

    /// Whether the ordering of left to right satisfies it.
    #[must_use]
    pub fn holds(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::NotEqual => ordering.is_ne(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// `+` and its kin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
pub enum Arithmetic {
    /// `+`
    #[serde(rename = "+")]
    Add,
    /// `-`
    #[serde(rename = "-")]
    Subtract,
    /// `*`
    #[serde(rename = "*")]
    Multiply,
    /// `/`
    #[serde(rename = "/")]
    Divide,
}

impl Arithmetic {
    /// As written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}

/// What is true or false at a moment of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Condition {
    /// Known when the plan was made.
    Constant(bool),
    /// The latest sample of a stream of type Bool (an index into `Plan::streams`).
    Holds(u32),
    /// Two quantities compared.
    Compare {
        /// Left of the operator.
        left: Operand,
        /// The operator.
        op: Comparison,
        /// Right of the operator.
        right: Operand,
    },
    /// Not.
    Not(Box<Condition>),
    /// All of them.
    All(Vec<Condition>),
    /// At least one of them.
    Any(Vec<Condition>),
}

/// A quantity at a moment of the run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Operand {
    /// Known when the plan was made.
    Constant(Value),
    /// The latest sample of a stream (an index into `Plan::streams`).
    Stream(u32),
    /// Two quantities combined; a number may multiply or divide a quantity.
    Combine {
        /// Left of the operator.
        left: Box<Operand>,
        /// The operator.
        op: Arithmetic,
        /// Right of the operator.
        right: Box<Operand>,
    },
}

impl Condition {
    /// Calls `f` with the index of each stream that the condition samples, in order, repeats included.
    pub fn for_each_stream(&self, f: &mut impl FnMut(u32)) {
        match self {
            Self::Constant(_) => {}
            Self::Holds(stream) => f(*stream),
            Self::Compare { left, right, .. } => {
                left.for_each_stream(f);
                right.for_each_stream(f);
            }
            Self::Not(inner) => inner.for_each_stream(f),
            Self::All(inner) | Self::Any(inner) => inner.iter().for_each(|c| c.for_each_stream(f)),
        }
    }

    /// The streams that it samples, each once, in order of their first mention.
    #[must_use]
    pub fn streams(&self) -> Vec<u32> {
        let mut found = Vec::new();
        self.for_each_stream(&mut |s| {
            if !found.contains(&s) {
                found.push(s);
            }
        });
        found
    }

    /// The constants that it compares with, in their order.
    #[must_use]
    pub fn constants(&self) -> Vec<Value> {
        let mut found = Vec::new();
        self.add_constants(&mut found);
        found
    }

    fn add_constants(&self, found: &mut Vec<Value>) {
        match self {
            Self::Constant(_) | Self::Holds(_) => {}
            Self::Compare { left, right, .. } => {
                left.add_constants(found);
                right.add_constants(found);
            }
            Self::Not(inner) => inner.add_constants(found),
            Self::All(inner) | Self::Any(inner) => inner.iter().for_each(|c| c.add_constants(found)),
        }
    }
}

impl Operand {
    fn add_constants(&self, found: &mut Vec<Value>) {
        match self {
            Self::Constant(value) => found.push(value.clone()),
            Self::Stream(_) => {}
            Self::Combine { left, right, .. } => {
                left.add_constants(found);
                right.add_constants(found);
            }
        }
    }

    fn for_each_stream(&self, f: &mut impl FnMut(u32)) {
        match self {
            Self::Constant(_) => {}
            Self::Stream(stream) => f(*stream),
            Self::Combine { left, right, .. } => {
                left.for_each_stream(f);
                right.for_each_stream(f);
            }
        }
    }
}
