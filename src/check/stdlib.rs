//! The standard library: ordinary source inside the binary. Only the modules that a project imports are read, and of these
//! [`mentioned`] leaves what a small project could mean.
//!
//! To add a module, add its file to `stdlib/`: `build.rs` finds and parses it. Modules import nothing.

use super::words::words;
use crate::syntax::Prepared;

/// What paths of the standard library begin with.
pub const PREFIX: &str = "std/";

/// A file of `stdlib/`.
struct Module {
    name: &'static str,
    text: &'static str,
    /// What the parser makes of it, packed.
    pairs: &'static [u8],
    /// For each declaration the first byte of its name and the byte behind it, and the same of all of it, without the
    /// comments above it.
    items: &'static [[u32; 4]],
    /// For each declaration the others whose names stand in it as words of their own, by number.
    mentions: &'static [&'static [u16]],
}

impl Module {
    /// Name and text of a declaration.
    fn item(&self, index: usize) -> (&'static str, &'static str) {
        let text = |from: u32, to: u32| self.text.get(from as usize..to as usize).unwrap_or("");
        self.items.get(index).map_or(("", ""), |[name, behind, start, end]| (text(*name, *behind), text(*start, *end)))
    }
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

/// What stays of a module when only some declarations are meant, parsed: those whose names stand in one of the texts as
/// words of their own, and what these mention themselves, without the comments above them. Lines keep their order, not
/// their numbers.
#[must_use]
pub fn mentioned<'t>(path: &str, texts: impl Iterator<Item = &'t str>) -> Option<Prepared> {
    let module = module(path)?;
    let mut kept = vec![false; module.items.len()];
    let mut open = Vec::new();
    texts.for_each(|text| mark(module, text, &mut kept, &mut open));
    while let Some(from) = open.pop() {
        for mentioned in module.mentions.get(from).copied().unwrap_or_default().iter().copied().map(usize::from) {
            if let Some(kept) = kept.get_mut(mentioned).filter(|kept| !**kept) {
                *kept = true;
                open.push(mentioned);
            }
        }
    }
    Some(Prepared::some(module.text, module.pairs, &kept))
}

/// Marks the declarations that a text mentions in code, a text or a comment; those that were not marked before are opened.
fn mark(module: &Module, text: &str, kept: &mut [bool], open: &mut Vec<usize>) {
    let mut wanted: Vec<(usize, &[u8])> =
        (0..kept.len()).filter(|index| !kept[*index]).map(|index| (index, module.item(index).0.as_bytes())).collect();
    // Most words are none of them, and show it by how they begin.
    let begins = wanted.iter().filter_map(|(_, name)| name.first()).fold(0, |seen, first| seen | bit(*first));
    for word in words(text) {
        if word.first().is_none_or(|first| begins & bit(*first) == 0) {
            continue;
        }
        wanted.retain(|(index, name)| {
            let is_meant = *name == word;
            if is_meant {
                kept[*index] = true;
                open.push(*index);
            }
            !is_meant
        });
    }
}

/// Whether `text` has `name` as a word of its own, in code, a text or a comment.
#[must_use]
pub fn mentions(text: &str, name: &str) -> bool {
    words(text).any(|word| word == name.as_bytes())
}

/// A bit for a byte; letters have one each, but for their case.
fn bit(byte: u8) -> u32 {
    1 << (byte & 31)
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
    fn modules_import_nothing_and_their_declarations_are_known_by_name() {
        for module in MODULES {
            let parse = crate::syntax::parse(FileId(0), module.text);
            let (file, _) = crate::check::build::build(FileId(0), &parse);
            assert!(file.imports.is_empty(), "std.{} imports something: `mentioned` does not look there", module.name);
            let found: Vec<&str> = (0..module.items.len()).map(|index| module.item(index).0).collect();
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
    fn each_declaration_alone_is_what_the_parser_makes_of_its_text() {
        for module in MODULES {
            for (name, text) in (0..module.items.len()).map(|index| module.item(index)) {
                let alone = mentioned(&module_path(module.name), [name].into_iter()).expect("it is there");
                let parse = crate::syntax::parse(FileId(0), &alone.text);
                assert!(parse.diagnostics.is_empty(), "std.{}: {:?}", module.name, parse.diagnostics);
                assert!(alone.text.contains(text) && !text.starts_with("//"), "std.{}: {}", module.name, alone.text);
                assert_eq!(shown(&alone.parse(FileId(0))), shown(&parse), "std.{}", module.name);
            }
        }
    }

    #[test]
    fn what_a_declaration_mentions_is_what_stands_in_it() {
        for module in MODULES {
            for (index, mentions) in module.mentions.iter().enumerate() {
                let (own, text) = module.item(index);
                let others = (0..module.items.len()).filter(|other| mentions.contains(&(*other as u16)));
                let told: Vec<&str> = others.map(|other| module.item(other).0).collect();
                let names = (0..module.items.len()).map(|other| module.item(other).0);
                let stand: Vec<&str> = names.filter(|name| *name != own && super::mentions(text, name)).collect();
                assert_eq!(told, stand, "std.{}: {own}", module.name);
            }
        }
    }

    #[test]
    fn a_name_is_a_word_of_its_own() {
        let path = module_path("network");
        let kept = |text: &str| mentioned(&path, [text].into_iter()).expect("it is there").text;
        assert!(kept("network.delay(x)").starts_with("fault delay("));
        assert!(kept("x: \"delay\"").starts_with("fault delay("));
        assert!(kept("delayed and delay").starts_with("fault delay("));
        assert_eq!(kept("delayed pre-delay delay-more"), "");
    }
}
