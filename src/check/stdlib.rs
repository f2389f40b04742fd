//! The standard library: ordinary source inside the binary. Only the modules that a project imports are read, and of these
//! [`mentioned`] leaves what a small project could mean.
//!
//! To add a module, add its file to `stdlib/` and its row here. Modules import nothing.

/// What paths of the standard library begin with.
pub const PREFIX: &str = "std/";

/// Name and text of each module, by name.
const MODULES: &[(&str, &str)] = &[
    ("aws", include_str!("../../stdlib/aws.chaos")),
    ("azure", include_str!("../../stdlib/azure.chaos")),
    ("clock", include_str!("../../stdlib/clock.chaos")),
    ("container", include_str!("../../stdlib/container.chaos")),
    ("disk", include_str!("../../stdlib/disk.chaos")),
    ("dns", include_str!("../../stdlib/dns.chaos")),
    ("gcp", include_str!("../../stdlib/gcp.chaos")),
    ("http", include_str!("../../stdlib/http.chaos")),
    ("jvm", include_str!("../../stdlib/jvm.chaos")),
    ("kafka", include_str!("../../stdlib/kafka.chaos")),
    ("kernel", include_str!("../../stdlib/kernel.chaos")),
    ("load", include_str!("../../stdlib/load.chaos")),
    ("machine", include_str!("../../stdlib/machine.chaos")),
    ("machine-jvm", include_str!("../../stdlib/machine-jvm.chaos")),
    ("machine-network", include_str!("../../stdlib/machine-network.chaos")),
    ("network", include_str!("../../stdlib/network.chaos")),
    ("node", include_str!("../../stdlib/node.chaos")),
    ("pod", include_str!("../../stdlib/pod.chaos")),
    ("probe", include_str!("../../stdlib/probe.chaos")),
    ("process", include_str!("../../stdlib/process.chaos")),
    ("proxy", include_str!("../../stdlib/proxy.chaos")),
    ("redis", include_str!("../../stdlib/redis.chaos")),
    ("spring", include_str!("../../stdlib/spring.chaos")),
    ("stress", include_str!("../../stdlib/stress.chaos")),
    ("vmware", include_str!("../../stdlib/vmware.chaos")),
    ("workload", include_str!("../../stdlib/workload.chaos")),
];

/// The names of all modules, sorted.
pub fn modules() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|(name, _)| *name)
}

/// The path of a module: `std/network.chaos`.
#[must_use]
pub fn module_path(name: &str) -> String {
    format!("{PREFIX}{name}.chaos")
}

/// Whether a path is one of the standard library's.
#[must_use]
pub fn is_module(path: &str) -> bool {
    path.starts_with(PREFIX)
}

/// The text of a module by its path.
#[must_use]
pub fn module_text(path: &str) -> Option<&'static str> {
    let name = path.strip_prefix(PREFIX)?.strip_suffix(".chaos")?;
    MODULES.iter().find(|(n, _)| *n == name).map(|(_, text)| *text)
}

/// How much of the modules that a project imports is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Library {
    /// All. For whatever shows, suggests or counts what is there.
    #[default]
    Whole,
    /// Only the declarations whose names stand somewhere in the project's texts, without comments. Reading a module is
    /// most of the time that a small file takes. What is left out cannot be meant by anything, so that a project which
    /// has no finding with this has none with all of it; with a finding, it must be checked again with [`Library::Whole`],
    /// as its words ("did you mean", lists of what there is) are about the whole.
    Mentioned,
}

/// What of a module's text stays of it when only some declarations are meant: those of which `is_meant` holds, and what
/// these mention themselves. Lines keep their order, not their numbers.
#[must_use]
pub fn mentioned(text: &str, is_meant: impl Fn(&str) -> bool) -> String {
    let items = items(text);
    let mut kept: Vec<bool> = items.iter().map(|item| is_meant(item.name)).collect();
    let mut open: Vec<usize> = (0..items.len()).filter(|i| kept[*i]).collect();
    while let Some(from) = open.pop() {
        for (index, item) in items.iter().enumerate() {
            if !kept[index] && mentions(items[from].text, item.name) {
                kept[index] = true;
                open.push(index);
            }
        }
    }
    items.iter().zip(kept).filter(|(_, kept)| *kept).map(|(item, _)| item.text).collect()
}

/// A declaration of a module.
struct ItemText<'t> {
    name: &'t str,
    /// From its word up to the next one's.
    text: &'t str,
}

/// The declarations of a module: each begins with a word at the begin of a line, and everything in it is indented or closes
/// it. A test holds this against the parser.
fn items(text: &str) -> Vec<ItemText<'_>> {
    let mut starts = Vec::new();
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with(|c: char| c.is_ascii_lowercase()) {
            starts.push(at);
        }
        at += line.len();
    }
    let ends = starts.iter().skip(1).copied().chain([text.len()]);
    starts.iter().zip(ends).filter_map(|(start, end)| text.get(*start..end)).map(item).collect()
}

fn item(text: &str) -> ItemText<'_> {
    let name = text.split_once(' ').and_then(|(_, behind)| behind.split(|c| !is_of_a_name(c)).next());
    // The comments before the next declaration are not this one's.
    let end = text.find("\n}").map_or(text.len(), |n| n + "\n}\n".len());
    let braced = text.get(..end).filter(|own| own.contains('{'));
    ItemText { name: name.unwrap_or(""), text: braced.unwrap_or(text) }
}

/// Whether `text` has `name` as a word of its own, in code, a text or a comment.
#[must_use]
pub fn mentions(text: &str, name: &str) -> bool {
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).is_some_and(|t| t.ends_with(is_of_a_name));
        let behind = text.get(at + name.len()..).is_some_and(|t| t.starts_with(is_of_a_name));
        !before && !behind
    })
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::FileId;

    #[test]
    fn modules_import_nothing_and_their_items_are_found_without_the_parser() {
        for (module, text) in MODULES {
            let parse = crate::syntax::parse(FileId(0), text);
            let (file, _) = crate::check::build::build(FileId(0), &parse);
            assert!(file.imports.is_empty(), "std.{module} imports something: `mentioned` does not look there");
            let found: Vec<&str> = items(text).iter().map(|item| item.name).collect();
            let declared: Vec<&str> = file.items.iter().map(|item| item.name.text.as_str()).collect();
            assert_eq!(found, declared, "std.{module}");
        }
    }

    #[test]
    fn each_item_alone_is_the_item_in_its_module() {
        for (module, text) in MODULES {
            for item in items(text) {
                let alone = mentioned(text, |name| name == item.name);
                let parse = crate::syntax::parse(FileId(0), &alone);
                assert!(parse.diagnostics.is_empty(), "std.{module}: {alone}\n{:?}", parse.diagnostics);
                assert!(alone.contains(item.text), "std.{module}: {alone}");
            }
        }
    }

    #[test]
    fn a_name_is_a_word_of_its_own() {
        assert!(mentions("network.delay(x)", "delay"));
        assert!(mentions("x: \"delay\"", "delay"));
        assert!(!mentions("delayed pre-delay delay-more", "delay"));
        assert!(mentions("delayed and delay", "delay"));
    }
}
