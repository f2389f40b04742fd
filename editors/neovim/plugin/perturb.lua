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
    on_exit = function() clients[root] = nil end,
  }
  if vim.lsp.start then -- since 0.8: one server a project by itself
    vim.lsp.start(config, { bufnr = buffer })
    return
  end
  clients[root] = clients[root] or vim.lsp.start_client(config)
  vim.lsp.buf_attach_client(buffer, clients[root])
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
  end,
})
