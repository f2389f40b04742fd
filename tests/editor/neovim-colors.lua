-- What Neovim's own tree-sitter makes of a file with the parser and the queries of the plugin, as JSON.

local shared = dofile(vim.env.PERTURB_SHARED)
local out = {}

local function main()
  vim.cmd("edit " .. vim.fn.fnameescape(vim.env.PERTURB_FILE))
  local buffer = vim.api.nvim_get_current_buf()
  out.active = vim.treesitter.highlighter.active[buffer] ~= nil
  local parser = vim.treesitter.get_parser(buffer, "perturb")
  local root = parser:parse()[1]:root()
  out.broken = root:has_error()
  local get = vim.treesitter.query.get or vim.treesitter.query.get_query or vim.treesitter.get_query
  local text_of = vim.treesitter.get_node_text or vim.treesitter.query.get_node_text
  local function captures(name)
    local query = get("perturb", name)
    assert(query, "no " .. name)
    local found = {}
    for id, node in query:iter_captures(root, buffer, 0, -1) do
      table.insert(found, query.captures[id] .. " " .. text_of(node, buffer):match("^[^\n]*"))
    end
    return found
  end
  for _, name in ipairs({ "highlights", "folds", "indents", "injections", "locals" }) do
    out[name] = captures(name)
  end
end

shared.run(main, out)
