//! The functions that are built in, with what each takes and gives: one table behind completion, hover and signature help.
//!
//! Facts: `docs/language.md`; a test holds that whatever is predefined and called with `( )` has its row.

use crate::types::Type;

/// A function.
#[derive(Debug)]
pub(super) struct Function {
    /// Its name.
    pub name: &'static str,
    /// Its parameters as they are written, with what each is.
    pub params: &'static [(&'static str, &'static str)],
    /// What it gives.
    pub result: &'static str,
    /// What it does, in a sentence.
    pub about: &'static str,
    /// What is inserted.
    pub insert: &'static str,
}

const TEXT: (&str, &str) = ("text: String", "The text that is looked at.");

/// All of them.
pub(super) const FUNCTIONS: &[Function] = &[
    Function {
        name: "begins",
        params: &[TEXT, ("with: String", "What it must begin with.")],
        result: "Bool",
        about: "Whether a text begins with another: a path with `/`.",
        insert: "begins(${1:text}, with: \"${2:/}\")",
    },
    Function {
        name: "ends",
        params: &[TEXT, ("with: String", "What it must end with.")],
        result: "Bool",
        about: "Whether a text ends with another.",
        insert: "ends(${1:text}, with: \"${2}\")",
    },
    Function {
        name: "contains",
        params: &[TEXT, ("part: String", "What must be in it.")],
        result: "Bool",
        about: "Whether a text has another in it.",
        insert: "contains(${1:text}, part: \"${2}\")",
    },
    Function {
        name: "ceil",
        params: &[("number: Number", "A bare number: `load as cores`.")],
        result: "Int",
        about: "Rounds up to a whole number.",
        insert: "ceil(${1})",
    },
    Function {
        name: "min",
        params: &[("list: [T]", "Things that compare with each other.")],
        result: "T",
        about: "The smallest of a list.",
        insert: "min([${1}])",
    },
    Function {
        name: "max",
        params: &[("list: [T]", "Things that compare with each other.")],
        result: "T",
        about: "The largest of a list.",
        insert: "max([${1}])",
    },
    Function {
        name: "join",
        params: &[("list: [String]", "What is joined."), ("with: String = \",\"", "What stands between.")],
        result: "String",
        about: "The texts of a list as one.",
        insert: "join(${1:list}, with: \"${2:,}\")",
    },
    Function {
        name: "json",
        params: &[("value", "Text, numbers, truth values, lists and maps of these.")],
        result: "String",
        about: "A value as JSON, on one line.",
        insert: "json(${1})",
    },
    Function {
        name: "secret",
        params: &[("name: String", "What it is called where secrets are kept.")],
        result: "Secret",
        about: "A value that is resolved at run time only.",
        insert: "secret(\"${1}\")",
    },
];

/// One of them.
pub(super) fn function(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|f| f.name == name)
}

impl Function {
    /// `begins(text: String, with: String): Bool`, and where each parameter stands in it.
    pub(super) fn label(&self) -> (String, Vec<(u32, u32, String)>) {
        let mut label = format!("{}(", self.name);
        let mut places = Vec::new();
        for (index, (param, about)) in self.params.iter().enumerate() {
            if index > 0 {
                label.push_str(", ");
            }
            let start = label.len() as u32;
            label.push_str(param);
            places.push((start, label.len() as u32, (*about).to_owned()));
        }
        label.push_str("): ");
        label.push_str(self.result);
        (label, places)
    }

    /// Whether what it gives may stand where a type is wanted.
    pub(super) fn fits(&self, want: &Type) -> bool {
        match want.base() {
            Type::Any => true,
            Type::Bool => self.result == "Bool",
            Type::String => self.result == "String",
            Type::Int => matches!(self.result, "Int" | "T"),
            Type::Number | Type::Duration | Type::Percent | Type::Bytes | Type::Bitrate | Type::Cores | Type::Rate => {
                self.result == "T"
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::scope::PREDEFINED;

    /// What is predefined is a function, a word, or a selector, which has docs of its own.
    #[test]
    fn every_function_has_its_row() {
        let words = ["services", "environment", "cluster"];
        let selectors = ["pods", "nodes", "instances", "disks", "databases", "balancers", "machines"];
        for name in PREDEFINED.iter().filter(|n| !words.contains(n) && !selectors.contains(n)) {
            assert!(function(name).is_some(), "{name} has no row");
        }
        assert!(FUNCTIONS.iter().all(|f| PREDEFINED.contains(&f.name) && f.insert.starts_with(f.name)));
    }
}
