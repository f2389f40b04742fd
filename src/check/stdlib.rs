//! The standard library: ordinary source inside the binary. Only the modules that a project imports are read, and of these
//! [`mentioned`] leaves what a small project could mean.
//!
//! To add a module, add its file to `stdlib/`: `build.rs` finds and parses it. Modules import nothing.

use crate::syntax::Prepared;

/// What paths of the standard library begin with.
pub const PREFIX: &str = "std/";

/// A file of `stdlib/`.
struct Module {
    name: &'static str,
    text: &'static str,
    /// What the parser makes of it, packed.
    pairs: &'static [u8],
}

// MODULES: every module, by name.
include!(concat!(env!("OUT_DIR"), "/library.rs"));

/// The names of all modules, sorted.
pub fn modules() -> impl Iterator<Item = &'static str> {
    MODULES.iter().map(|module| module.name)
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
    module(path).map(|module| module.text)
}

fn module(path: &str) -> Option<&'static Module> {
    let name = path.strip_prefix(PREFIX)?.strip_suffix(".chaos")?;
    MODULES.binary_search_by(|module| module.name.cmp(name)).ok().and_then(|index| MODULES.get(index))
}

/// A module by its path, parsed.
#[must_use]
pub fn whole(path: &str) -> Option<Prepared> {
    module(path).map(|module| Prepared::whole(module.text, module.pairs))
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

/// What stays of a module when only some declarations are meant, parsed: those of which `is_meant` holds, and what these
/// mention themselves, without the comments above them. Lines keep their order, not their numbers.
#[must_use]
pub fn mentioned(path: &str, is_meant: impl Fn(&str) -> bool) -> Option<Prepared> {
    let module = module(path)?;
    let items = items(module.text);
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
    Some(Prepared::some(module.text, module.pairs, &kept))
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

    /// A tree as text, and what is wrong with it.
    fn shown(parse: &crate::syntax::Parse) -> String {
        format!("{:#?}\n{:?}", parse.syntax(), parse.diagnostics)
    }

    #[test]
    fn modules_import_nothing_and_their_items_are_found_without_the_parser() {
        for module in MODULES {
            let parse = crate::syntax::parse(FileId(0), module.text);
            let (file, _) = crate::check::build::build(FileId(0), &parse);
            assert!(file.imports.is_empty(), "std.{} imports something: `mentioned` does not look there", module.name);
            let found: Vec<&str> = items(module.text).iter().map(|item| item.name).collect();
            let declared: Vec<&str> = file.items.iter().map(|item| item.name.text.as_str()).collect();
            assert_eq!(found, declared, "std.{}", module.name);
        }
    }

    #[test]
    fn a_module_is_what_the_parser_makes_of_its_text() {
        for module in MODULES {
            let prepared = whole(&module_path(module.name)).expect("it is there");
            assert_eq!(prepared.text, module.text);
            let (ours, parsed) = (prepared.parse(FileId(0)), crate::syntax::parse(FileId(0), module.text));
            assert_eq!(shown(&ours), shown(&parsed), "std.{}", module.name);
        }
    }

    #[test]
    fn each_item_alone_is_what_the_parser_makes_of_its_text() {
        for module in MODULES {
            for item in items(module.text) {
                let alone = mentioned(&module_path(module.name), |name| name == item.name).expect("it is there");
                let parse = crate::syntax::parse(FileId(0), &alone.text);
                assert!(parse.diagnostics.is_empty(), "std.{}: {:?}", module.name, parse.diagnostics);
                let first = item.text.lines().next().unwrap_or("no declaration");
                assert!(alone.text.lines().any(|line| line == first), "std.{}: {}", module.name, alone.text);
                assert!(!alone.text.starts_with("//"), "std.{}: {}", module.name, alone.text);
                assert_eq!(shown(&alone.parse(FileId(0))), shown(&parse), "std.{}", module.name);
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
