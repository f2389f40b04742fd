//! What the server says that it can do, and what it asks of the client. Pure.

use gen_lsp_types::InitializeParams;
use serde_json::{Value, json};

use super::position::Encoding;
use crate::ide::tokens::TokenKind;

/// What the client can do, as far as it matters.
#[derive(Debug, Clone, Copy, Default)]
pub struct Client {
    /// How columns are counted.
    pub encoding: Encoding,
    /// Snippets are understood.
    pub snippets: bool,
    /// It tells of files that change.
    pub watches: bool,
    /// Findings may have related places.
    pub related: bool,
    /// It has commands of its own under the names that lenses give.
    pub own_commands: bool,
}

impl Client {
    /// What a client says of itself.
    pub fn of(params: &InitializeParams) -> Self {
        let all = serde_json::to_value(&params.capabilities).unwrap_or_default();
        let is = |pointer: &str| all.pointer(pointer).and_then(Value::as_bool).unwrap_or(false);
        let encodings = all.pointer("/general/positionEncodings").and_then(Value::as_array);
        let has_utf8 = encodings.is_some_and(|all| all.iter().any(|e| e == "utf-8"));
        Self {
            encoding: if has_utf8 { Encoding::Utf8 } else { Encoding::Utf16 },
            snippets: is("/textDocument/completion/completionItem/snippetSupport"),
            watches: is("/workspace/didChangeWatchedFiles/dynamicRegistration"),
            own_commands: params.initialization_options.as_ref().is_some_and(|o| o["ownCommands"] == true),
            related: is("/textDocument/publishDiagnostics/relatedInformation"),
        }
    }
}

/// The names of the kinds of tokens, in the order of their numbers.
fn token_name(kind: TokenKind) -> &'static str {
    match kind {
        TokenKind::Keyword => "keyword",
        TokenKind::Comment => "comment",
        TokenKind::Text => "string",
        TokenKind::Number => "number",
        TokenKind::Operator => "operator",
        TokenKind::Namespace => "namespace",
        TokenKind::Type => "type",
        TokenKind::Function => "function",
        TokenKind::Parameter => "parameter",
        TokenKind::Variable => "variable",
        TokenKind::Property => "property",
        TokenKind::Class => "class",
        TokenKind::EnumMember => "enumMember",
    }
}

/// The commands that a client may send.
pub const COMMANDS: [&str; 3] = ["perturb.plan", "perturb.check", "perturb.timeline"];

/// What the server can do.
pub fn server(client: &Client) -> Value {
    let encoding = match client.encoding {
        Encoding::Utf8 => "utf-8",
        Encoding::Utf16 => "utf-16",
    };
    let mut said = json!({
        "positionEncoding": encoding,
        "textDocumentSync": { "openClose": true, "change": 2, "save": { "includeText": false } },
        "completionProvider": { "triggerCharacters": [".", ":", "\"", "(", "{", " "] },
        "hoverProvider": true,
        "signatureHelpProvider": { "triggerCharacters": ["(", ","], "retriggerCharacters": [":"] },
        "definitionProvider": true,
        "referencesProvider": true,
        "documentHighlightProvider": true,
        "documentSymbolProvider": true,
        "workspaceSymbolProvider": true,
        "codeActionProvider": { "codeActionKinds": ["quickfix", "source.fixAll"] },
        "codeLensProvider": {},
        "documentLinkProvider": {},
        "documentFormattingProvider": true,
        "documentRangeFormattingProvider": true,
        "renameProvider": { "prepareProvider": true },
        "foldingRangeProvider": true,
        "selectionRangeProvider": true,
        "inlayHintProvider": true,
        "callHierarchyProvider": true,
        "semanticTokensProvider": {
            "legend": {
                "tokenTypes": TokenKind::ALL.map(token_name),
                "tokenModifiers": ["declaration", "defaultLibrary"],
            },
            "full": true,
            "range": true,
        },
        "workspace": { "workspaceFolders": { "supported": true, "changeNotifications": true } },
    });
    if !client.own_commands {
        said["executeCommandProvider"] = json!({ "commands": COMMANDS });
    }
    said
}

/// Asks to be told of files that change.
pub fn watch() -> Value {
    json!({
        "registrations": [{
            "id": "perturb-files",
            "method": "workspace/didChangeWatchedFiles",
            "registerOptions": { "watchers": [{ "globPattern": "**/*.chaos" }, { "globPattern": "**/perturb.toml" }] },
        }]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_capabilities_are_of_the_protocol() {
        let said = server(&Client::default());
        let read: gen_lsp_types::ServerCapabilities = serde_json::from_value(said.clone()).unwrap();
        let again = serde_json::to_value(read).unwrap();
        for key in said.as_object().unwrap().keys() {
            assert!(again.get(key).is_some(), "`{key}` is no capability of the protocol");
        }
        let kinds = TokenKind::ALL.map(|kind| kind as usize);
        assert!(kinds.iter().enumerate().all(|(index, kind)| index == *kind), "numbers are places in the legend");
    }
}
