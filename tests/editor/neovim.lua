-- Drives the real server from the real Neovim: opens a file, and writes what it got as JSON. `nvim --headless -l` is too
-- new for Debian's, so this is a `-S` script.

local shared = dofile(vim.env.PERTURB_SHARED)
local wait, at = shared.wait, shared.at
local out = {}
local path = vim.env.PERTURB_FILE

local function main()
  vim.cmd("edit " .. vim.fn.fnameescape(path))
  local buffer = vim.api.nvim_get_current_buf()
  out.filetype = vim.bo.filetype
  wait("the diagnostic", function() return #vim.diagnostic.get(buffer) > 0 end)
  out.diagnostics = vim.tbl_map(function(d)
    return { line = d.lnum, column = d.col, message = d.message, source = d.source }
  end, vim.diagnostic.get(buffer))

  local function ask(method, params)
    local answers = vim.lsp.buf_request_sync(buffer, method, params or vim.lsp.util.make_position_params(), 60000)
    local _, answer = next(answers or {})
    assert(answer, method .. " has no answer")
    return answer.result or vim.inspect(answer.err)
  end

  at("network.delay", 9)
  out.hover = ask("textDocument/hover").contents.value
  out.definition = ask("textDocument/definition")
  at("latency", 0)
  out.completion = vim.tbl_map(function(item) return item.label end, ask("textDocument/completion").items)
  out.symbols = vim.tbl_map(function(s) return s.name end, ask("textDocument/documentSymbol", { textDocument = vim.lsp.util.make_text_document_params() }))

  -- The fix, applied as Neovim applies it.
  local params = vim.lsp.util.make_given_range_params({ 1, 0 }, { vim.api.nvim_buf_line_count(buffer), 0 })
  params.context = { diagnostics = {} }
  for _, action in ipairs(ask("textDocument/codeAction", params)) do
    if action.title == vim.env.PERTURB_FIX then
      vim.lsp.util.apply_workspace_edit(action.edit, "utf-16")
    end
  end
  wait("the diagnostic's end", function() return #vim.diagnostic.get(buffer) == 0 end)
  out.text = table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\n")

  -- A service renamed in this file, in all that use it.
  at("ledger.pods", 2)
  local rename = vim.lsp.util.make_position_params()
  rename.newName = "general-ledger"
  local edit = ask("textDocument/rename", rename)
  out.renamed = vim.tbl_keys(edit.changes)

  -- Typed letter by letter, incrementally, then undone.
  at("latency: 300ms", 11)
  vim.cmd("normal! x")
  wait("the diagnostic of a typed letter", function() return #vim.diagnostic.get(buffer) > 0 or vim.fn.getline("."):find("00ms") ~= nil end)
  vim.cmd("undo")
  out.clients = #vim.lsp.get_active_clients()
end

shared.run(main, out)
