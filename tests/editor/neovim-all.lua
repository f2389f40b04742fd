-- Asks the real server, from the real Neovim, for everything that it says it can do, on the examples; writes the answers
-- as JSON. Which answers are right, `neovim.rs` knows.

local shared = dofile(vim.env.PERTURB_SHARED)
local wait, at = shared.wait, shared.at
local out = { completion = {}, hover = {} }

local buffer

local function ask(method, params)
  local answers = vim.lsp.buf_request_sync(buffer, method, params, 60000)
  local _, answer = next(answers or {})
  assert(answer and not answer.err, method .. ": " .. vim.inspect(answer and answer.err))
  return answer.result
end

local function here() return vim.lsp.util.make_position_params() end
local function document() return { textDocument = vim.lsp.util.make_text_document_params() } end

-- What is offered behind a text that is typed behind another, which is undone.
local function offered(name, behind, typed)
  at(behind, #behind)
  local cursor = vim.api.nvim_win_get_cursor(0)
  local row, column = cursor[1] - 1, cursor[2]
  local lines = vim.split(typed, "\n", { plain = true })
  vim.api.nvim_buf_set_text(buffer, row, column, row, column, lines)
  local last = #lines[#lines] + (#lines == 1 and column or 0)
  local params = here()
  params.position = { line = row + #lines - 1, character = last }
  local answer = ask("textDocument/completion", params)
  out.completion[name] = vim.tbl_map(function(item)
    return { label = item.label, kind = item.kind, edit = item.textEdit and item.textEdit.newText, also = item.additionalTextEdits, doc = item.documentation and item.documentation.value }
  end, answer.items or answer)
  if name == "signature" then
    out.signature = ask("textDocument/signatureHelp", params)
  end
  vim.api.nvim_buf_set_text(buffer, row, column, row + #lines - 1, last, { "" })
end

local function main()
  vim.cmd("edit " .. vim.fn.fnameescape(vim.env.PERTURB_FILE))
  buffer = vim.api.nvim_get_current_buf()
  wait("the server", function()
    local client = vim.lsp.get_active_clients()[1]
    return client and client.initialized
  end)
  out.capabilities = vim.lsp.get_active_clients()[1].server_capabilities

  offered("words of a file", "//! What a customer feels when the ledger answers late. Start here.", "\n\n")
  offered("lines of an experiment", "service:      checkout", "\n  ")
  offered("services", "service:      checkout", "\n  service: ")
  offered("incidents", "learned-from: [pm-2022-031", ", ")
  offered("metrics and slos", "abort when ", "")
  offered("steps", "for 5m", "\n    ")
  offered("parameters", "jitter: 50ms", ", ")
  offered("words of an enumeration", "jitter: 50ms", ", direction: ")
  offered("units", "jitter: 50ms", ", correlation: 10")
  offered("targets", "method { network.delay(", "")
  offered("environments", "service:      checkout", "\n  environments: [")
  offered("teams", "approval by ", "")
  offered("labels", "network.delay(50% of ledger.pods", "(labels: { app: \"")
  offered("modules", "import std.{network", ", ")
  offered("names of a file", "import \"catalogue.chaos\".{checkout", ", ")
  offered("signature", "jitter: 50ms", ", correlation: ")

  for name, text in pairs({ fault = "network.delay", experiment = "checkout-survives-slow-ledger", word = "hypothesis", unit = "300ms", parameter = "jitter", service = "ledger.pods" }) do
    at(text, 1)
    local answer = ask("textDocument/hover", here())
    out.hover[name] = answer and answer.contents.value
  end

  at("ledger.pods", 1)
  out.definition = ask("textDocument/definition", here())
  local references = here()
  references.context = { includeDeclaration = true }
  out.references = ask("textDocument/references", references)
  out.prepare_rename = ask("textDocument/prepareRename", here())
  at("checkout-survives-slow-ledger", 1)
  out.calls = ask("textDocument/prepareCallHierarchy", here())
  out.outgoing = ask("callHierarchy/outgoingCalls", { item = out.calls[1] })
  at("ledger.pods", 1)
  local service = ask("textDocument/prepareCallHierarchy", here())
  out.incoming = ask("callHierarchy/incomingCalls", { item = service[1] })

  out.symbols = ask("textDocument/documentSymbol", document())
  out.workspace_symbols = ask("workspace/symbol", { query = "ledger" })
  out.folding = ask("textDocument/foldingRange", document())
  local selection = document()
  at("latency: 300ms", 10)
  selection.positions = { here().position }
  out.selection = ask("textDocument/selectionRange", selection)
  out.tokens = #ask("textDocument/semanticTokens/full", document()).data
  local whole = document()
  whole.range = { start = { line = 0, character = 0 }, ["end"] = { line = vim.api.nvim_buf_line_count(buffer), character = 0 } }
  out.hints = ask("textDocument/inlayHint", whole)
  local layout = document()
  layout.options = { tabSize = 8, insertSpaces = false }
  out.formatting = ask("textDocument/formatting", layout)
  out.lenses = ask("textDocument/codeLens", document())
  local all = vim.deepcopy(whole)
  all.context = { diagnostics = {}, only = { "source.fixAll" } }
  out.nothing_to_fix = ask("textDocument/codeAction", all)

  -- Two mistakes with one certain fix each: mended by one action.
  at("latency: 300ms", 9)
  vim.cmd("normal! 5xi300msec")
  at("for 5m", 4)
  vim.cmd("normal! 2xi5min")
  wait("the two mistakes", function() return #vim.diagnostic.get(buffer) >= 2 end)
  out.mistakes = vim.tbl_map(function(d) return d.message end, vim.diagnostic.get(buffer))
  out.fix_all = ask("textDocument/codeAction", all)
  for _, action in ipairs(out.fix_all) do
    vim.lsp.util.apply_workspace_edit(action.edit, "utf-16")
  end
  wait("their end", function() return #vim.diagnostic.get(buffer) == 0 end)
  out.text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")

  -- Links stand where reports are named.
  vim.cmd("edit! " .. vim.fn.fnameescape(vim.env.PERTURB_CATALOGUE))
  buffer = vim.api.nvim_get_current_buf()
  wait("the second file", function() return #vim.lsp.buf_get_clients(buffer) > 0 end)
  out.links = ask("textDocument/documentLink", document())
end

shared.run(main, out)
