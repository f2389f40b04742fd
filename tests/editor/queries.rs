//! The queries of the tree-sitter grammar: what is coloured, folded, indented; and the same in the words of each editor.
//!
//! `editors/tree-sitter-perturb/queries` is what people write. An editor that calls things by other names has a copy below its own
//! folder, which `PERTURB_BLESS=1` writes.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use tree_sitter::{Language, Node, Query, QueryCursor, StreamingIterator as _};
use tree_sitter_perturb::{FOLDS, HIGHLIGHTS, INDENTS, INJECTIONS, LANGUAGE, LOCALS};

use crate::tree_sitter::{files, read, tree};
use crate::{has, root};

/// A query with the nodes that each of its captures has in a text.
fn captures(query: &Query, text: &str) -> Vec<(String, std::ops::Range<usize>, String)> {
    let tree = tree(text);
    let mut cursor = QueryCursor::new();
    let mut found = Vec::new();
    let mut all = cursor.captures(query, tree.root_node(), text.as_bytes());
    while let Some((found_match, index)) = all.next() {
        let capture = found_match.captures[*index];
        let name = query.capture_names()[capture.index as usize].to_owned();
        found.push((name, capture.node.byte_range(), capture.node.kind().to_owned()));
    }
    found
}

fn language() -> Language {
    LANGUAGE.into()
}

fn highlights() -> Query {
    Query::new(&language(), HIGHLIGHTS).unwrap()
}

fn is_word(kind: &str) -> bool {
    kind.bytes().all(|b| b.is_ascii_lowercase())
}

/// The words that the grammar fixes.
fn keywords() -> BTreeSet<String> {
    let language = language();
    (0..language.node_kind_count() as u16)
        .filter(|id| !language.node_kind_is_named(*id) && language.node_kind_is_visible(*id))
        .filter_map(|id| language.node_kind_for_id(id).map(str::to_owned))
        .filter(|kind| is_word(kind) && kind != "end")
        .collect()
}

fn keywords_below(node: Node, out: &mut BTreeMap<String, BTreeSet<usize>>) {
    if !node.is_named() && is_word(node.kind()) {
        out.entry(node.kind().to_owned()).or_default().insert(node.start_byte());
    }
    node.children(&mut node.walk()).for_each(|child| keywords_below(child, out));
}

#[test]
fn every_keyword_has_its_colour_wherever_it_stands() {
    let query = highlights();
    let mut seen = BTreeSet::new();
    for path in files() {
        let text = read(&path);
        let mut there = BTreeMap::new();
        keywords_below(tree(&text).root_node(), &mut there);
        let coloured: BTreeSet<usize> = captures(&query, &text)
            .into_iter()
            .filter(|(name, _, _)| name.starts_with("keyword"))
            .map(|(_, range, _)| range.start)
            .collect();
        for (word, places) in there {
            assert!(places.is_subset(&coloured), "`{word}` has no colour in {}", path.display());
            seen.insert(word);
        }
    }
    assert_eq!(seen, keywords(), "a keyword that no file has was not looked at");
    for word in perturb::syntax::ITEM_WORDS.iter().chain(perturb::syntax::LINE_WORDS) {
        assert!(seen.contains(*word), "`{word}` opens an item or a line, and is no keyword of the tree-sitter grammar");
    }
}

/// Editors do not agree on whether the first or the last pattern wins.
#[test]
fn nothing_is_coloured_twice() {
    let query = highlights();
    for path in files() {
        let mut seen = BTreeMap::new();
        for (name, range, kind) in captures(&query, &read(&path)) {
            if let Some(other) = seen.insert((range.start, range.end, kind.clone()), name.clone()) {
                panic!("{}: `{kind}` at {range:?} is {other} and {name}", path.display());
            }
        }
    }
}

#[test]
fn colours_are_what_people_expect() {
    let text = "import std.{network}\n\n/// Doc.\nmetric m(of: Service, over: Duration = 1m): Percent {\n  \
                prometheus: \"up{a=\\\"${of.name}\\\"}\"\n}\nexperiment e { method { network.delay(one of checkout.pods, latency: 1s) for 5m } }\n";
    let shown: Vec<String> = captures(&highlights(), text)
        .into_iter()
        .filter(|(name, _, _)| !name.starts_with("punctuation"))
        .map(|(name, range, _)| format!("{} {name}", text[range].trim_end()))
        .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

#[test]
fn the_query_of_a_metric_is_promql_without_what_holes_put_into_it() {
    let query = Query::new(&language(), INJECTIONS).unwrap();
    let text = "metric m(of: Service): Int { prometheus: \"\"\"up{a=\"${of.name}\"}\"\"\", unit: count }\n\
                cluster c { prometheus: \"http://p:9090\" }\n";
    let parts: Vec<&str> = captures(&query, text)
        .into_iter()
        .filter(|(name, _, _)| name == "injection.content")
        .map(|(_, range, _)| &text[range])
        .collect();
    assert_eq!(parts, ["up{a=\"", "\"}"]);
}

#[test]
fn every_bracket_over_several_lines_can_be_folded() {
    let query = Query::new(&language(), FOLDS).unwrap();
    let text = read(&root().join("examples/slow-dependency.chaos"));
    let mut folded: Vec<&str> = captures(&query, &text)
        .into_iter()
        .map(|(_, range, _)| &text[range])
        .filter(|part| part.contains('\n'))
        .map(|part| part.lines().nth(1).unwrap().trim())
        .collect();
    folded.dedup();
    assert!(folded.iter().any(|line| line.starts_with("service:")), "{folded:?}");
    assert!(folded.iter().any(|line| line.starts_with("expect success")), "{folded:?}");
    for (name, query) in [("indents", INDENTS), ("locals", LOCALS)] {
        Query::new(&language(), query).unwrap_or_else(|e| panic!("{name}: {e}"));
    }
}

/// What an editor calls what we call so.
type Names = &'static [(&'static str, &'static str)];

/// Helix has scopes of its own; what a scope lacks its first words have.
const HELIX: Names = &[
    ("@comment.documentation", "@comment.line.documentation"),
    ("@constant.builtin", "@constant.builtin"),
    ("@keyword.import", "@keyword.control.import"),
    ("@module", "@namespace"),
    ("@number", "@constant.numeric"),
    ("@property", "@variable.other.member"),
    ("@string.escape", "@constant.character.escape"),
];
/// Zed knows fewer.
const ZED: Names = &[("@comment.documentation", "@comment.doc"), ("@module", "@namespace")];
/// Neovim's names are those of the queries.
const NEOVIM: Names = &[];

/// Files that are copies: where from, where to, in whose words.
const COPIES: &[(&str, &str, Names)] = &[
    ("highlights", "helix/queries/chaos", HELIX),
    ("injections", "helix/queries/chaos", &[]),
    ("locals", "helix/queries/chaos", &[]),
    ("highlights", "neovim/queries/perturb", NEOVIM),
    ("injections", "neovim/queries/perturb", &[]),
    ("folds", "neovim/queries/perturb", &[]),
    ("indents", "neovim/queries/perturb", &[]),
    ("locals", "neovim/queries/perturb", &[]),
    ("highlights", "zed/languages/perturb", ZED),
    ("injections", "zed/languages/perturb", &[]),
];

/// A query in an editor's words.
fn renamed(query: &str, names: Names) -> String {
    let mut out = String::new();
    for (index, part) in query.split('@').enumerate() {
        if index == 0 {
            out.push_str(part);
            continue;
        }
        let end = part.find(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '.' | '_')).unwrap_or(part.len());
        let name = format!("@{}", &part[..end]);
        let theirs = names.iter().find(|(ours, _)| *ours == name).map_or(name.as_str(), |(_, theirs)| theirs);
        out.push_str(theirs);
        out.push_str(&part[end..]);
    }
    out
}

#[test]
fn each_editor_has_the_queries_in_its_own_words() {
    let editors = root().join("editors");
    for (name, folder, names) in COPIES {
        let ours = read(&editors.join(format!("tree-sitter-perturb/queries/{name}.scm")));
        let wanted = format!(
            "; Written by `PERTURB_BLESS=1 cargo test --test editor queries` from editors/tree-sitter-perturb.\n\n{}",
            renamed(&ours, names)
        );
        let path = editors.join(folder).join(format!("{name}.scm"));
        if std::env::var_os("PERTURB_BLESS").is_some() {
            std::fs::write(&path, &wanted).unwrap();
        }
        let there = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(there, wanted, "{}: PERTURB_BLESS=1 writes it", path.display());
    }
}

/// What only one editor asks for, too.
#[test]
fn every_query_of_every_editor_fits_the_grammar() {
    let mut open: Vec<PathBuf> = vec![root().join("editors")];
    let mut count = 0;
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("node_modules") {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "scm") {
                let query = Query::new(&language(), &read(&path)).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
                assert!(query.pattern_count() > 0, "{} asks for nothing", path.display());
                count += 1;
            }
        }
    }
    assert!(count > 15, "where are the queries?");
}

fn toml_of(path: &str) -> toml::Table {
    read(&root().join(path)).parse().unwrap_or_else(|e| panic!("{path}: {e}"))
}

#[test]
fn helix_and_zed_name_the_grammar_the_server_and_the_files() {
    let helix = toml_of("editors/helix/languages.toml");
    assert_eq!(helix["language-server"]["perturb"]["args"][0].as_str(), Some("lsp"));
    assert_eq!(helix["language"][0]["language-servers"][0].as_str(), Some("perturb"));
    assert_eq!(helix["language"][0]["file-types"][0].as_str(), Some("chaos"));
    assert_eq!(helix["language"][0]["grammar"], helix["grammar"][0]["name"]);
    let folder = helix["grammar"][0]["source"]["path"].as_str().unwrap().replace("PERTURB", root().to_str().unwrap());
    assert!(PathBuf::from(folder).join("src/parser.c").is_file());
    // Helix links the grammar into a folder that it does not make.
    assert!(
        read(&root().join("editors/helix/README.md"))
            .contains("mkdir -p ~/.config/helix/runtime/queries ~/.config/helix/runtime/grammars")
    );

    let language = toml_of("editors/zed/languages/perturb/config.toml");
    let extension = toml_of("editors/zed/extension.toml");
    assert!(extension["grammars"].as_table().unwrap().contains_key(language["grammar"].as_str().unwrap()));
    assert_eq!(extension["language_servers"]["perturb"]["languages"][0], language["name"]);
    assert_eq!(language["path_suffixes"][0].as_str(), Some("chaos"));
    // What Zed's reader of the file knows (`crates/extension`, September 2026); it drops any other key without a word.
    for (of, known) in [
        (
            &extension,
            &[
                "id",
                "name",
                "description",
                "version",
                "schema_version",
                "authors",
                "repository",
                "grammars",
                "language_servers",
            ][..],
        ),
        (extension["grammars"]["perturb"].as_table().unwrap(), &["repository", "rev", "path"]),
        (extension["language_servers"]["perturb"].as_table().unwrap(), &["name", "languages"]),
    ] {
        let unknown: Vec<&String> = of.keys().filter(|key| !known.contains(&key.as_str())).collect();
        assert!(unknown.is_empty(), "{unknown:?}");
    }
    let folder = extension["grammars"]["perturb"]["path"].as_str().unwrap();
    assert!(root().join(folder).join("src/parser.c").is_file());
}

/// Zed builds the grammar of one revision: commit the grammar, then write that commit's id into `extension.toml`.
#[test]
fn the_revision_that_zed_builds_has_this_grammar() {
    let git = |arguments: &[&str]| {
        let out = std::process::Command::new("git").args(arguments).current_dir(root()).output().unwrap();
        out.status.success().then(|| String::from_utf8_lossy(&out.stdout).into_owned())
    };
    if !has("git", "--version") {
        return;
    }
    let extension = toml_of("editors/zed/extension.toml");
    let revision = extension["grammars"]["perturb"]["rev"].as_str().unwrap();
    assert_eq!(revision.len(), 40, "Zed wants the whole id");
    // A shallow clone has no history, a fork may have another.
    if git(&["cat-file", "-e", &format!("{revision}^{{commit}}")]).is_none() {
        eprintln!("SKIPPED: the history of this clone does not hold {revision}");
        return;
    }
    for file in ["grammar.js", "src/parser.c", "src/scanner.c"] {
        let path = format!("editors/tree-sitter-perturb/{file}");
        let there = git(&["show", &format!("{revision}:{path}")]);
        assert!(there.as_deref() == Some(&read(&root().join(&path))), "{path} is another one in {revision}");
    }
}
