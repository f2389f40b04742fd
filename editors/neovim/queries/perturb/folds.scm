; Written by `PERTURB_BLESS=1 cargo test --test editor queries` from editors/tree-sitter-perturb.

; What can be folded: whatever has brackets and may go over lines.

[
  (block)
  (arms)
  (import_names)
  (params)
  (args)
  (list)
] @fold

((text) @fold
  (#match? @fold "^\"\"\""))
