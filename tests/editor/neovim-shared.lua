-- What the scripts of `neovim.rs` share: waiting, finding a text, and writing what was seen as JSON.

local shared = {}

function shared.wait(what, condition)
  assert(vim.wait(90000, condition, 20), what .. " did not come")
end

-- Puts the cursor on a text of the buffer.
function shared.at(text, more)
  for number, line in ipairs(vim.api.nvim_buf_get_lines(0, 0, -1, false)) do
    local column = line:find(text, 1, true)
    if column then
      vim.api.nvim_win_set_cursor(0, { number, column - 1 + (more or 0) })
      return
    end
  end
  error(text .. " is not there")
end

-- Runs a script, writes what it put into `out`, and ends.
function shared.run(main, out)
  local ok, why = pcall(main)
  out.ok, out.why = ok, why
  local file = assert(io.open(vim.env.PERTURB_OUT, "w"))
  file:write(vim.json and vim.json.encode(out) or vim.fn.json_encode(out))
  file:close()
  vim.cmd("qall!")
end

return shared
