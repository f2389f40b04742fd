//! Diagnostics as SARIF 2.1.0 (OASIS, 2020), for code scanning.
//!
//! Each code that was found is a rule, with the page that `perturb explain` prints as its help. Columns count Unicode code
//! points. Fixes go along where they are certain.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::Look;
use super::json::severity_word;
use super::place::Place;
use crate::diagnostic::{Applicability, Code, Diagnostic, pages};
use crate::source::{SourceMap, Span};

/// The whole log as text, ending in a line end.
#[must_use]
pub fn render(diagnostics: &[Diagnostic], sources: &SourceMap, look: &Look) -> String {
    // Rules in the order of their codes; results name them by index.
    let mut rules: BTreeMap<Code, usize> = diagnostics.iter().map(|d| (d.code, 0)).collect();
    for (index, place) in rules.values_mut().enumerate() {
        *place = index;
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "perturb",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "rules": rules.keys().map(|code| rule(*code)).collect::<Vec<_>>(),
            } },
            "columnKind": "unicodeCodePoints",
            "results": diagnostics
                .iter()
                .map(|d| result(d, rules.get(&d.code).copied().unwrap_or(0), sources, look))
                .collect::<Vec<_>>(),
        }]
    });
    let mut text = serde_json::to_string_pretty(&log).unwrap_or_default();
    text.push('\n');
    text
}

fn rule(code: Code) -> Json {
    let info = code.info();
    let page = pages::text(code);
    json!({
        "id": code.to_string(),
        "name": pascal(info.name),
        "shortDescription": { "text": info.title },
        "fullDescription": { "text": pages::first_paragraph(&page).unwrap_or(info.title) },
        "help": { "text": page, "markdown": page },
        "defaultConfiguration": { "level": severity_word(info.severity) },
    })
}

/// `UNKNOWN_NAME` as `UnknownName`: what SARIF viewers expect of a rule's name.
fn pascal(name: &str) -> String {
    name.split('_')
        .flat_map(|word| {
            let mut letters = word.chars();
            letters.next().into_iter().chain(letters.flat_map(char::to_lowercase).collect::<Vec<_>>())
        })
        .collect()
}

fn result(diagnostic: &Diagnostic, rule: usize, sources: &SourceMap, look: &Look) -> Json {
    let mut message = diagnostic.message.clone();
    for part in [&diagnostic.why, &diagnostic.help].into_iter().flatten() {
        message.push('\n');
        message.push_str(part);
    }
    let mut result = json!({
        "ruleId": diagnostic.code.to_string(),
        "ruleIndex": rule,
        "level": severity_word(diagnostic.severity),
        "message": { "text": message },
        "locations": [location(diagnostic.span, (!diagnostic.label.is_empty()).then_some(&diagnostic.label), sources, look)],
    });
    let Some(fields) = result.as_object_mut() else { return result };
    if !diagnostic.labels.is_empty() {
        let related: Vec<Json> = diagnostic
            .labels
            .iter()
            .enumerate()
            .map(|(id, label)| {
                let mut place = location(label.span, Some(&label.text), sources, look);
                if let Some(place) = place.as_object_mut() {
                    place.insert("id".to_owned(), json!(id));
                }
                place
            })
            .collect();
        fields.insert("relatedLocations".to_owned(), Json::Array(related));
    }
    let fixes = fixes(diagnostic, sources, look);
    if !fixes.is_empty() {
        fields.insert("fixes".to_owned(), Json::Array(fixes));
    }
    result
}

fn location(span: Span, text: Option<&String>, sources: &SourceMap, look: &Look) -> Json {
    let place = Place::of(span, sources, look);
    let mut location = json!({
        "physicalLocation": { "artifactLocation": { "uri": uri(&place.path) }, "region": region(&place) }
    });
    if let (Some(text), Some(fields)) = (text, location.as_object_mut()) {
        fields.insert("message".to_owned(), json!({ "text": text }));
    }
    location
}

fn region(place: &Place) -> Json {
    json!({
        "startLine": place.start.line, "startColumn": place.start.column,
        "endLine": place.end.line, "endColumn": place.end.column,
        "byteOffset": place.start.offset, "byteLength": place.end.offset - place.start.offset,
    })
}

fn fixes(diagnostic: &Diagnostic, sources: &SourceMap, look: &Look) -> Vec<Json> {
    diagnostic
        .fixes
        .iter()
        .filter(|fix| fix.applicability == Applicability::Certain)
        .map(|fix| {
            // SARIF wants the replacements of a fix by file.
            let mut files: BTreeMap<String, Vec<Json>> = BTreeMap::new();
            for edit in &fix.edits {
                let place = Place::of(edit.span, sources, look);
                let change = json!({ "deletedRegion": region(&place), "insertedContent": { "text": edit.text } });
                files.entry(place.path).or_default().push(change);
            }
            let changes: Vec<Json> = files
                .into_iter()
                .map(|(path, all)| json!({ "artifactLocation": { "uri": uri(&path) }, "replacements": all }))
                .collect();
            json!({ "description": { "text": fix.title }, "artifactChanges": changes })
        })
        .collect()
}

/// A relative path as a URI reference (RFC 3986): what is not unreserved or `/` is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_take_the_spelling_of_sarif() {
        assert_eq!(pascal("UNKNOWN_NAME"), "UnknownName");
        assert_eq!(uri("a b/ä:%.chaos"), "a%20b/%C3%A4%3A%25.chaos");
    }
}
