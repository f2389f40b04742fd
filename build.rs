//! Writes the table of the codes' pages into the build. Comes in: `docs/errors/P*.md`. Goes out: `OUT_DIR/pages.rs`, a
//! sorted table of number and text. Fails the build for a file there that is not named like a code.

use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs, io};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=docs/errors");
    let root = env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?;
    let folder = Path::new(&root).join("docs/errors");
    let mut pages = Vec::new();
    if folder.is_dir() {
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            let stem = path.file_stem().and_then(|s| s.to_str()).unwrap_or_default();
            if path.extension().is_none_or(|e| e != "md") || !stem.starts_with('P') {
                continue;
            }
            let number: u16 = stem[1..]
                .parse()
                .map_err(|_| io::Error::other(format!("{} is not named like a code, P0123.md", path.display())))?;
            pages.push((number, path));
        }
    }
    pages.sort();
    let mut table = String::from("const PAGES: &[(u16, &str)] = &[\n");
    for (number, path) in pages {
        // The number stands in decimal without its zeros, as Rust would read no octal anyway.
        let _ = writeln!(table, "    ({number}, include_str!({:?})),", path.display().to_string());
    }
    table.push_str("];\n");
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    fs::write(Path::new(&out).join("pages.rs"), table)
}
