; Written by `PERTURB_BLESS=1 cargo test --test editor queries` from editors/tree-sitter-perturb.

; Names that hold within something, and where they are used.

[
  (metric)
  (fault)
  (scenario)
  (block)
  (each)
] @local.scope

(param name: (word) @local.definition)
(let name: (word) @local.definition)
(over name: (word) @local.definition)

(name_expr (word) @local.reference)
