//! The pages of the codes, `docs/errors/P0123.md`: one text behind `perturb explain`, SARIF's help, the site and a test.
//!
//! They are in the binary (`build.rs` writes the table), as an installed Perturb has no `docs/`.

use super::Code;

// `PAGES: &[(u16, &str)]`, sorted by number.
include!(concat!(env!("OUT_DIR"), "/pages.rs"));

/// The page of a code, in Markdown.
#[must_use]
pub fn page(code: Code) -> Option<&'static str> {
    PAGES.binary_search_by_key(&code.number(), |(number, _)| *number).ok().and_then(|i| PAGES.get(i)).map(|(_, t)| *t)
}

/// The page of a code; its title, where it has none yet.
#[must_use]
pub fn text(code: Code) -> std::borrow::Cow<'static, str> {
    page(code).map_or_else(|| format!("# {code}: {}\n", code.info().title).into(), Into::into)
}

/// The first paragraph behind a page's title.
#[must_use]
pub fn first_paragraph(page: &str) -> Option<&str> {
    let (_, behind) = page.split_once('\n')?;
    behind.split("\n\n").map(str::trim).find(|p| !p.is_empty() && !p.starts_with('#'))
}
