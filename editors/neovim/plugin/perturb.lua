-- Perturb in Neovim (0.7 or later): the file type, and the language server for every file of it.
-- `perturb` must be on the PATH, or `vim.g.perturb_command` says which to run: { "/opt/bin/perturb", "lsp" }.

local group = vim.api.nvim_create_augroup("perturb", { clear = true })

-- The folder of the project: the nearest one upward with perturb.toml, else the file's own.
local function root_of(path)
  local folder = vim.fn.fnamemodify(path, ":p:h")
  local found = vim.fn.findfile("perturb.toml", vim.fn.escape(folder, " ") .. ";")
  return found ~= "" and vim.fn.fnamemodify(found, ":p:h") or folder
end

local clients = {}

local function start(buffer)
  local root = root_of(vim.api.nvim_buf_get_name(buffer))
  local config = {
    name = "perturb",
    cmd = vim.g.perturb_command or { "perturb", "lsp" },
    root_dir = root,
    on_init = function(client)
      -- Findings are there as one types, not when one has stopped.
      local namespace = vim.lsp.diagnostic.get_namespace(client.id)
      vim.diagnostic.config({ update_in_insert = true }, namespace)
    end,
    on_exit = function() clients[root] = nil end,
  }
  if vim.lsp.start then -- since 0.8: one server a project by itself
    vim.lsp.start(config, { bufnr = buffer })
    return
  end
  clients[root] = clients[root] or vim.lsp.start_client(config)
  vim.lsp.buf_attach_client(buffer, clients[root])
end

-- Colours and folds by the tree-sitter parser, if it was built (README.md); else those of syntax/chaos.vim stay.
local function color(buffer)
  if #vim.api.nvim_get_runtime_file("parser/perturb.*", false) == 0 then
    return
  end
  if vim.treesitter.language and vim.treesitter.language.register then -- since 0.9
    vim.treesitter.language.register("perturb", "chaos")
  end
  if vim.treesitter.start then -- since 0.8
    vim.treesitter.start(buffer, "perturb")
  else
    local parser = vim.treesitter.get_parser(buffer, "perturb")
    require("vim.treesitter.highlighter").new(parser)
    vim.bo[buffer].syntax = ""
  end
  if vim.treesitter.foldexpr then -- since 0.9
    vim.wo.foldmethod = "expr"
    vim.wo.foldexpr = "v:lua.vim.treesitter.foldexpr()"
    vim.wo.foldlevel = 99
  end
end

vim.api.nvim_create_autocmd({ "BufRead", "BufNewFile" }, {
  group = group,
  pattern = "*.chaos",
  callback = function() vim.bo.filetype = "chaos" end,
})

vim.api.nvim_create_autocmd("FileType", {
  group = group,
  pattern = "chaos",
  callback = function(event)
    vim.bo[event.buf].commentstring = "// %s"
    vim.bo[event.buf].shiftwidth = 2
    vim.bo[event.buf].expandtab = true
    vim.bo[event.buf].omnifunc = "v:lua.vim.lsp.omnifunc"
    -- Names are kebab-case: `slow-ledger` is one word.
    vim.bo[event.buf].iskeyword = "@,48-57,_,-"
    start(event.buf)
    local ok, why = pcall(color, event.buf)
    if not ok then
      vim.notify("perturb: the tree-sitter parser cannot be used; build it again. " .. why, vim.log.levels.WARN)
    end
  end,
})
