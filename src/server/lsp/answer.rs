//! Requests and what is answered: each reads its parameters, asks `ide`, and words what it says.

use gen_lsp_types::{
    CallHierarchyItem, CodeActionParams, CompletionParams, DocumentFormattingParams, DocumentRangeFormattingParams,
    ExecuteCommandParams, FoldingRangeKind, InlayHintParams, Position, Range, ReferenceParams, RenameParams,
    SelectionRangeParams, SemanticTokensRangeParams, TextDocumentIdentifier, TextDocumentPositionParams,
    WorkspaceSymbolParams,
};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::convert::{Convert, markdown, symbol_kind};
use super::document::Document;
use crate::analysis::picture::picture;
use crate::analysis::timeline::timeline;
use crate::diagnostic::Edit;
use crate::ide::{Place, Workspace};
use crate::ide::{
    actions, calls, completion, definition, folding, formatting, hints, hover, lenses, links, rename, selection,
    signature, symbols, tokens,
};
use crate::source::Span;

/// Why there is no answer.
pub enum Refused {
    /// No such request.
    Unknown,
    /// The parameters are not those of the request.
    Params(String),
    /// It cannot be done; the reason is for the person.
    Reason(String),
}

/// A request about a document that is open.
pub struct Asked<'a> {
    /// Its project, worded for the client.
    pub convert: Convert<'a>,
    /// The document.
    pub document: &'a Document,
    /// The file (an index into the program's files).
    pub file: usize,
}

/// A document's address in the parameters of a request, whatever else they hold.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct OfDocument {
    text_document: TextDocumentIdentifier,
}

/// The address of the document that a request is about; a call hierarchy names it in its item.
pub fn document_of(method: &str, params: &Value) -> Option<String> {
    if method.starts_with("callHierarchy/") {
        return params.pointer("/item/data/asked").and_then(Value::as_str).map(str::to_owned);
    }
    if method == "workspace/executeCommand" {
        return params.pointer("/arguments/0/uri").and_then(Value::as_str).map(str::to_owned);
    }
    OfDocument::deserialize(params).ok().map(|p| p.text_document.uri.0)
}

fn read<P: DeserializeOwned>(params: Value) -> Result<P, Refused> {
    serde_json::from_value(params).map_err(|error| Refused::Params(error.to_string()))
}

impl Asked<'_> {
    fn workspace(&self) -> &Workspace {
        &self.convert.project.workspace
    }

    fn offset(&self, position: Position) -> u32 {
        self.convert.client.encoding.offset(self.document.source(), position)
    }

    fn span(&self, range: Range) -> Span {
        Span::new(self.workspace().id(self.file), self.offset(range.start), self.offset(range.end))
    }

    fn position(&self, params: Value) -> Result<u32, Refused> {
        let at: TextDocumentPositionParams = read(params)?;
        Ok(self.offset(at.position))
    }

    /// The answer to a request.
    pub fn answer(&self, method: &str, params: Value) -> Result<Value, Refused> {
        let (workspace, file, convert) = (self.workspace(), self.file, &self.convert);
        Ok(match method {
            "textDocument/completion" => {
                let params: CompletionParams = read(params)?;
                let at = self.offset(params.text_document_position_params.position);
                // A blank opens the list only where a value is about to be written.
                let by = params.context.and_then(|context| context.trigger_character);
                let head = workspace.text(file).get(..at as usize).unwrap_or("");
                if by.as_deref() == Some(" ") && !head.trim_end_matches(' ').ends_with(':') {
                    return Ok(Value::Null);
                }
                let all = completion::complete(workspace, file, at);
                json!({ "isIncomplete": false, "items": all.iter().map(|c| convert.completion(c)).collect::<Vec<_>>() })
            }
            "textDocument/hover" => match hover::hover(workspace, file, self.position(params)?) {
                Some(found) => json!({ "contents": markdown(found.markdown), "range": convert.range(found.span) }),
                None => Value::Null,
            },
            "textDocument/signatureHelp" => signature::help(workspace, file, self.position(params)?)
                .map_or(Value::Null, |help| self.signature(&help)),
            "textDocument/definition" => {
                let found = definition::definition(workspace, file, self.position(params)?);
                found.map_or(Value::Null, |place| json!(convert.place(&place)))
            }
            "textDocument/references" => {
                let params: ReferenceParams = read(params)?;
                let at = self.offset(params.text_document_position_params.position);
                let found = definition::references(workspace, file, at, params.context.include_declaration);
                json!(found.iter().map(|place| convert.place(place)).collect::<Vec<_>>())
            }
            "textDocument/documentHighlight" => {
                let found = definition::highlights(workspace, file, self.position(params)?);
                let kind = |declares| if declares { 3 } else { 2 };
                json!(
                    found
                        .iter()
                        .map(|o| json!({ "range": convert.range(o.span), "kind": kind(o.declares) }))
                        .collect::<Vec<_>>()
                )
            }
            "textDocument/prepareRename" => {
                let span = rename::prepare(workspace, file, self.position(params)?).map_err(Refused::Reason)?;
                json!(convert.range(span))
            }
            "textDocument/rename" => {
                let params: RenameParams = read(params)?;
                let at = self.offset(params.text_document_position_params.position);
                let found = rename::rename(workspace, file, at, &params.new_name).map_err(Refused::Reason)?;
                let edits: Vec<Edit> =
                    found.into_iter().map(|place| Edit { span: place.span, text: params.new_name.clone() }).collect();
                convert.workspace_edit(&edits)
            }
            "textDocument/documentSymbol" => {
                json!(symbols::of_file(workspace, file).iter().map(|s| convert.symbol(s)).collect::<Vec<_>>())
            }
            "textDocument/foldingRange" => self.folds(),
            "textDocument/selectionRange" => {
                let params: SelectionRangeParams = read(params)?;
                json!(params.positions.iter().map(|at| self.selection(self.offset(*at))).collect::<Vec<_>>())
            }
            "textDocument/semanticTokens/full" => self.tokens(None),
            "textDocument/semanticTokens/range" => {
                let params: SemanticTokensRangeParams = read(params)?;
                self.tokens(Some(self.span(params.range)))
            }
            "textDocument/inlayHint" => {
                let params: InlayHintParams = read(params)?;
                let found = hints::hints(workspace, file, self.span(params.range));
                let id = workspace.id(file);
                let hint = |h: &hints::Hint| {
                    let position = convert.range(Span::new(id, h.offset, h.offset)).start;
                    json!({ "position": position, "label": h.text, "tooltip": h.about, "paddingLeft": true })
                };
                json!(found.iter().map(hint).collect::<Vec<_>>())
            }
            "textDocument/codeLens" => {
                let uri = convert.uri(&self.document.path);
                let lens = |l: &lenses::Lens| {
                    json!({ "range": convert.range(l.span), "command": {
                        "title": l.title, "command": l.command, "arguments": [{ "uri": uri, "experiment": l.experiment }]
                    }})
                };
                json!(lenses::lenses(workspace, file).iter().map(lens).collect::<Vec<_>>())
            }
            "textDocument/documentLink" => {
                let target = |t: &links::Target| match t {
                    links::Target::Url(url) => url.clone(),
                    links::Target::File(path) => convert.uri(path).0,
                };
                let all = links::links(workspace, file);
                json!(
                    all.iter()
                        .map(|(span, t)| json!({ "range": convert.range(*span), "target": target(t) }))
                        .collect::<Vec<_>>()
                )
            }
            "textDocument/codeAction" => self.actions(read(params)?),
            "textDocument/formatting" => {
                let _: DocumentFormattingParams = read(params)?;
                self.formatting(None)?
            }
            "textDocument/rangeFormatting" => {
                let params: DocumentRangeFormattingParams = read(params)?;
                self.formatting(Some(self.span(params.range)))?
            }
            "textDocument/prepareCallHierarchy" => match calls::prepare(workspace, file, self.position(params)?) {
                Some(node) => json!([self.node(&node)]),
                None => Value::Null,
            },
            "callHierarchy/incomingCalls" => self.incoming(&params)?,
            "callHierarchy/outgoingCalls" => self.outgoing(&params)?,
            "workspace/executeCommand" => self.command(read(params)?)?,
            _ => return Err(Refused::Unknown),
        })
    }

    fn signature(&self, help: &signature::Help) -> Value {
        // Labels are ASCII but for texts in defaults: places are given in UTF-16, as the protocol says.
        let utf16 = |at: u32| help.label.get(..at as usize).map_or(0, |t| t.encode_utf16().count());
        let params: Vec<Value> = help
            .params
            .iter()
            .map(|(start, end, about)| json!({ "label": [utf16(*start), utf16(*end)], "documentation": markdown(about.clone()) }))
            .collect();
        // Behind the last parameter, where none is being written.
        let active = help.active.unwrap_or(help.params.len());
        json!({
            "signatures": [{ "label": help.label, "documentation": markdown(help.doc.clone()), "parameters": params }],
            "activeSignature": 0,
            "activeParameter": active,
        })
    }

    fn folds(&self) -> Value {
        let fold = |(span, kind): (Span, folding::FoldKind)| {
            let range = self.convert.range(span);
            let kind = match kind {
                folding::FoldKind::Region => FoldingRangeKind::Region,
                folding::FoldKind::Comment => FoldingRangeKind::Comment,
                folding::FoldKind::Imports => FoldingRangeKind::Imports,
            };
            // The line of a closing bracket stays.
            let is_region = kind == FoldingRangeKind::Region;
            let end = range.end.line.saturating_sub(u32::from(is_region)).max(range.start.line);
            json!({ "startLine": range.start.line, "endLine": end, "kind": kind })
        };
        let found = folding::folds(self.workspace(), self.file).into_iter().map(fold);
        json!(found.filter(|f| f["startLine"] != f["endLine"]).collect::<Vec<_>>())
    }

    fn selection(&self, offset: u32) -> Value {
        let ranges = selection::ranges(self.workspace(), self.file, offset);
        let at = Span::new(self.workspace().id(self.file), offset, offset);
        let around = ranges.iter().rev().fold(Value::Null, |parent, span| {
            let range = self.convert.range(*span);
            if parent.is_null() { json!({ "range": range }) } else { json!({ "range": range, "parent": parent }) }
        });
        if around.is_null() { json!({ "range": self.convert.range(at) }) } else { around }
    }

    fn tokens(&self, within: Option<Span>) -> Value {
        let Some(source) = self.workspace().source(self.file) else { return Value::Null };
        let (mut data, mut line, mut column) = (Vec::new(), 0, 0);
        let all = tokens::tokens(self.workspace(), self.file);
        let is_asked = |span: Span| within.is_none_or(|w| span.start < w.end && w.start < span.end);
        for token in all.into_iter().filter(|t| is_asked(t.span)) {
            let at = self.convert.client.encoding.position(source, token.span.start);
            let delta = if at.line == line { at.character - column } else { at.character };
            let length = self.convert.client.encoding.length(source, token.span);
            let modifiers = u32::from(token.declares) | u32::from(token.of_library) << 1;
            data.extend([at.line - line, delta, length, token.kind as u32, modifiers]);
            (line, column) = (at.line, at.character);
        }
        json!({ "data": data })
    }

    fn actions(&self, params: CodeActionParams) -> Value {
        let wanted = params.context.only.as_ref().map(|only| {
            only.iter()
                .filter_map(|kind| serde_json::to_value(kind).ok()?.as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        });
        let is_wanted = |kind: &str| {
            wanted.as_ref().is_none_or(|all| all.iter().any(|w| kind == w || kind.starts_with(&format!("{w}."))))
        };
        let mut found = Vec::new();
        if is_wanted("quickfix") {
            for action in actions::actions(self.workspace(), self.file, self.span(params.range)) {
                let of: Vec<_> = action.of.iter().map(|d| self.convert.diagnostic(d)).collect();
                found.push(json!({
                    "title": action.title,
                    "kind": "quickfix",
                    "diagnostics": of,
                    "isPreferred": action.is_certain,
                    "edit": self.convert.workspace_edit(&action.edits),
                }));
            }
        }
        if is_wanted("source.fixAll")
            && let Some(action) = actions::fix_all(self.workspace(), self.file)
        {
            let edit = self.convert.workspace_edit(&action.edits);
            found.push(json!({ "title": action.title, "kind": "source.fixAll", "edit": edit }));
        }
        json!(found)
    }

    /// There is one layout: what the client says of tabs and blanks does not matter.
    fn formatting(&self, within: Option<Span>) -> Result<Value, Refused> {
        let found = formatting::formatting(self.workspace(), self.file, within);
        let edits = found.ok_or_else(|| {
            Refused::Reason(match within {
                Some(_) => "these lines cannot be formatted without the others: format the file".to_owned(),
                None => {
                    "the layout would not say the same: this is a mistake of perturb's, please report it".to_owned()
                }
            })
        })?;
        Ok(json!(edits.iter().map(|edit| self.convert.edit(edit)).collect::<Vec<_>>()))
    }

    fn node(&self, node: &calls::Node) -> CallHierarchyItem {
        let kind = if node.is_service { symbols::SymbolKind::Thing } else { symbols::SymbolKind::Experiment };
        let name = self.convert.place(&node.place);
        CallHierarchyItem {
            name: node.name.clone(),
            kind: symbol_kind(kind),
            tags: None,
            detail: Some(node.detail.clone()),
            uri: name.uri.clone(),
            range: self.convert.range(node.span),
            selection_range: name.range,
            data: Some(
                json!({ "asked": self.convert.uri(&self.document.path), "path": node.place.path, "start": node.place.span.start, "end": node.place.span.end }),
            ),
        }
    }

    /// The node that a client gives back.
    fn given(&self, params: &Value) -> Result<(String, Place), Refused> {
        let text = |pointer: &str| params.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let number =
            |pointer: &str| params.pointer(pointer).and_then(Value::as_u64).and_then(|n| u32::try_from(n).ok());
        let parts = (text("/item/name"), text("/item/data/path"), number("/item/data/start"), number("/item/data/end"));
        let (Some(name), Some(path), Some(start), Some(end)) = parts else {
            return Err(Refused::Params("the item is not one that the server gave".to_owned()));
        };
        let id = self.workspace().file(&path).map(|file| self.workspace().id(file));
        let id = id.ok_or_else(|| Refused::Reason(format!("`{path}` is gone")))?;
        Ok((name, Place { path, span: Span::new(id, start, end) }))
    }

    fn incoming(&self, params: &Value) -> Result<Value, Refused> {
        let (name, _) = self.given(params)?;
        let found = calls::hit_by(self.workspace(), &name);
        Ok(json!(
            found
                .iter()
                .map(|(node, spans)| json!({ "from": self.node(node), "fromRanges": self.ranges(spans) }))
                .collect::<Vec<_>>()
        ))
    }

    fn outgoing(&self, params: &Value) -> Result<Value, Refused> {
        let (_, place) = self.given(params)?;
        let found = calls::hits(self.workspace(), &place);
        Ok(json!(
            found
                .iter()
                .map(|(node, spans)| json!({ "to": self.node(node), "fromRanges": self.ranges(spans) }))
                .collect::<Vec<_>>()
        ))
    }

    fn ranges(&self, spans: &[Span]) -> Vec<Range> {
        spans.iter().map(|span| self.convert.range(*span)).collect()
    }

    /// A command of a lens: text that the client shows.
    fn command(&self, params: ExecuteCommandParams) -> Result<Value, Refused> {
        let asked = params.arguments.unwrap_or_default();
        let wanted = asked.first().and_then(|a| a.get("experiment")).and_then(Value::as_str).unwrap_or("");
        let workspace = self.workspace();
        let found = workspace.experiments(self.file).into_iter().find(|(e, _)| wanted.is_empty() || e.name == wanted);
        let (experiment, _) =
            found.ok_or_else(|| Refused::Reason(format!("there is no experiment `{wanted}` here")))?;
        if params.command == "perturb.check" {
            let count = workspace.found(workspace.id(self.file)).len();
            return Ok(json!({ "title": experiment.name, "findings": count }));
        }
        let plan = workspace.plan(&experiment);
        let plan = plan
            .ok_or_else(|| Refused::Reason(format!("`{}` has no plan: mend what is wrong first", experiment.name)))?;
        let drawn = picture(&plan, &timeline(&plan), 100, true);
        match params.command.as_str() {
            "perturb.plan" => Ok(json!({
                "title": experiment.name,
                "worstCase": hover::worst_case(&plan),
                "picture": drawn,
                "text": hover::telling(&plan).to_text(100),
            })),
            "perturb.timeline" => {
                Ok(json!({ "title": experiment.name, "picture": drawn, "timeline": timeline(&plan) }))
            }
            other => Err(Refused::Reason(format!("there is no command `{other}`"))),
        }
    }
}

/// What the project declares whose name fits a query.
pub fn workspace_symbols(convert: &Convert<'_>, params: Value) -> Result<Vec<Value>, Refused> {
    let params: WorkspaceSymbolParams = read(params)?;
    let found = symbols::of_project(&convert.project.workspace, &params.query);
    let symbol = |(s, place): &(symbols::Symbol, Place)| json!({ "name": s.name, "kind": symbol_kind(s.kind), "containerName": place.path, "location": convert.place(place) });
    Ok(found.iter().map(symbol).collect())
}
