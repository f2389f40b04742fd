//! What is made ready when the program is built, from files that people write.
//!
//! - `OUT_DIR/pages.rs`: the table of the codes' pages, number and text, from `docs/errors/P*.md`. A file there that is not named
//!   like a code fails the build.
//! - `OUT_DIR/library.rs`: the modules of `stdlib/`, each with what the parser makes of it, packed, so that no start parses them
//!   anew. The parser is the program's own file, compiled into this one, too.
//!
//! A release for Linux is also linked to a fixed address: [`fixed_address`].

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use parse::{Pair, Rule};

#[path = "src/syntax/parse.rs"]
mod parse;
#[path = "src/check/words.rs"]
mod words;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or(io::ErrorKind::NotFound)?);
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or(io::ErrorKind::NotFound)?);
    fs::write(out.join("pages.rs"), pages(&root.join("docs/errors"))?)?;
    for read in ["src/syntax/parse.rs", "src/check/words.rs", "grammar/chaos.pest"] {
        println!("cargo::rerun-if-changed={read}");
    }
    fs::write(out.join("library.rs"), library(&root.join("stdlib"), &out)?)?;
    fixed_address();
    Ok(())
}

/// Links a release for Linux to a fixed address, as kubectl and terraform are: the loader of a program that may lie anywhere
/// rewrites some hundred pages of tables at each start, which are then read from disk, copied and never shared. A check is
/// over in two milliseconds, so that this shows. See `docs/decisions/0003-ready-when-it-is-built.md`.
fn fixed_address() {
    let is = |variable: &str, value: &str| env::var(variable).is_ok_and(|v| v == value);
    if is("PROFILE", "release") && is("CARGO_CFG_TARGET_OS", "linux") && is("CARGO_CFG_TARGET_ENV", "gnu") {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}

/// The files of a folder with an ending, sorted, each with its name's stem; the build runs again when one changes.
fn files(folder: &Path, ending: &str) -> io::Result<Vec<(String, PathBuf)>> {
    println!("cargo::rerun-if-changed={}", folder.display());
    let mut found = Vec::new();
    for entry in if folder.is_dir() { Some(fs::read_dir(folder)?) } else { None }.into_iter().flatten() {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default().to_owned();
        if path.extension().is_some_and(|e| e == ending) {
            found.push((stem, path));
        }
    }
    found.sort();
    Ok(found)
}

fn pages(folder: &Path) -> io::Result<String> {
    let mut table = String::from("const PAGES: &[(u16, &str)] = &[\n");
    for (stem, path) in files(folder, "md")? {
        let Some(number) = stem.strip_prefix('P') else { continue };
        // The number stands in decimal without its zeros, as Rust would read no octal anyway.
        let number: u16 = number
            .parse()
            .map_err(|_| io::Error::other(format!("{} is not named like a code, P0123.md", path.display())))?;
        let _ = writeln!(table, "    ({number}, include_str!({path:?})),");
    }
    Ok(table + "];\n")
}

fn library(folder: &Path, out: &Path) -> io::Result<String> {
    let mut table = String::from("const MODULES: &[Module] = &[\n");
    for (name, path) in files(folder, "chaos")? {
        let text = fs::read_to_string(&path)?;
        let pairs =
            parse::pairs(&text).ok_or_else(|| io::Error::other(format!("{} does not parse", path.display())))?;
        let packed = out.join(format!("{name}.pairs"));
        fs::write(&packed, pack(&pairs))?;
        let items = items(&pairs);
        let mentions = mentions(&text, &items);
        let _ = writeln!(
            table,
            "    Module {{ name: {name:?}, text: include_str!({path:?}), pairs: include_bytes!({packed:?}), items: &{items:?}, mentions: &[{mentions}] }},"
        );
    }
    Ok(table + "];\n")
}

/// For each declaration the first byte of its name and the byte behind it, and the same of all of it, without the comments
/// above it.
fn items(pairs: &[Pair]) -> Vec<[u32; 4]> {
    let mut found = Vec::new();
    for (index, item) in pairs.iter().enumerate().filter(|(_, pair)| pair.rule == Rule::item) {
        let declared = pairs.iter().skip(index + 1).find(|pair| pair.rule != Rule::comment);
        let name = pairs.iter().skip(index + 1).find(|pair| pair.rule == Rule::word);
        if let (Some(declared), Some(name)) = (declared, name) {
            found.push([name.start, name.end, declared.start, item.end]);
        }
    }
    found
}

/// For each declaration the others whose names stand in it as words of their own, by number: slices, as Rust writes them.
fn mentions(text: &str, items: &[[u32; 4]]) -> String {
    let part = |from: u32, to: u32| text.get(from as usize..to as usize).unwrap_or_default();
    let of = |own: usize, item: &[u32; 4]| {
        let stand: BTreeSet<&[u8]> = words::words(part(item[2], item[3])).collect();
        let others = items.iter().enumerate().filter(|(other, _)| *other != own);
        let numbers = others.filter(|(_, o)| stand.contains(part(o[0], o[1]).as_bytes())).map(|(n, _)| n);
        format!("&{:?}", numbers.collect::<Vec<_>>())
    };
    items.iter().enumerate().map(|(own, item)| of(own, item)).collect::<Vec<_>>().join(", ")
}

/// The pairs of a file as bytes, in the form that `src/syntax/packed.rs` says, without the one of the file itself.
fn pack(pairs: &[Pair]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut at = 1;
    while let Some(top) = pairs.get(at) {
        let end = top.next as usize;
        // The end of the file is a pair of pest's that has no number and says nothing.
        if number_of(top.rule).is_some() {
            let block = block(pairs.get(at..end).unwrap_or_default(), at);
            write(&mut out, block.len() as u32);
            out.extend(block);
        }
        at = end.max(at + 1);
    }
    out
}

fn block(pairs: &[Pair], first: usize) -> Vec<u8> {
    let mut out = Vec::new();
    let mut before = 0;
    for (index, pair) in pairs.iter().enumerate() {
        write(&mut out, number_of(pair.rule).unwrap_or_default());
        write(&mut out, pair.start - before);
        write(&mut out, pair.end - pair.start);
        write(&mut out, pair.next - (first + index) as u32 - 1);
        before = pair.start;
    }
    out
}

fn number_of(rule: Rule) -> Option<u32> {
    Rule::all_rules().iter().position(|r| *r == rule).map(|n| n as u32)
}

fn write(out: &mut Vec<u8>, mut number: u32) {
    while number > 127 {
        out.push(number as u8 | 128);
        number >>= 7;
    }
    out.push(number as u8);
}
