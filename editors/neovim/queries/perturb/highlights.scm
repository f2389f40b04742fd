; Written by `PERTURB_BLESS=1 cargo test --test editor queries` from editors/tree-sitter-perturb.

; What each node looks like. No two patterns capture the same node, so that it does not matter which of them an editor prefers.

; Words

"import" @keyword.import

[
  "service"
  "team"
  "cluster"
  "environment"
  "slo"
  "incident"
  "metric"
  "fault"
  "scenario"
  "experiment"
  "verify"
  "policy"
  "gameday"
  "let"
] @keyword

[
  "hypothesis"
  "guard"
  "method"
  "agenda"
  "engine"
  "expect"
  "check"
  "recovery"
  "abort"
  "when"
  "only"
  "never"
  "on"
  "approval"
  "by"
  "with"
  "wait"
  "parallel"
  "sequence"
  "for"
  "each"
  "where"
  "ask"
  "note"
  "run"
  "every"
  "require"
  "forbid"
  "within"
  "but"
  "except"
  "during"
  "faults"
  "because"
  "match"
] @keyword

[
  "and"
  "or"
  "not"
  "in"
  "of"
  "as"
] @keyword.operator

((name_expr (word) @constant.builtin)
  (#any-of? @constant.builtin "true" "false" "none" "one" "all"))

; Names

(experiment name: (word) @function)
(scenario name: (word) @function)
(fault name: (word) @function)
(metric name: (word) @function)
(record_item name: (word) @type)
(verify name: (word) @type)
(policy name: (word) @type)
(gameday name: (word) @type)
(engine name: (word) @type)

(import from: (path (word) @module))
(import_as name: (word) @module)

(expect name: (word) @label)
(check name: (word) @label)
(let name: (word) @variable)
(over name: (word) @variable)
(param name: (word) @variable.parameter)
(arg name: (word) @variable.parameter)
(field key: (word) @property)

((type_ref (word) @type)
  (#match? @type "^[A-Z]"))
((type_ref (word) @constant)
  (#not-match? @constant "^[A-Z]"))
(arm (word) @constant)
(hours (word) @constant)
(recovery (word) @constant)

(call function: (path (word) @function .))
(call function: (path . (word) @module (word)))
(run (path (word) @function .))
(call_expr function: (name_expr (word) @function))
(call_expr function: (member_expr member: (word) @function))

; Values

(number) @number

(text (text_part) @string)
(text ["\"" "\"\"\""] @string)
(escape) @string.escape
(hole ["${" "}"] @punctuation.special)

; Signs

[
  "=="
  "!="
  "<="
  ">="
  "<"
  ">"
  ".."
  "="
  "|"
  "?"
] @operator
(operator) @operator

[
  ","
  ":"
  "."
  "?."
] @punctuation.delimiter

[
  "("
  ")"
  "["
  "]"
] @punctuation.bracket
(block ["{" "}"] @punctuation.bracket)
(arms ["{" "}"] @punctuation.bracket)
(import_names ["{" "}"] @punctuation.bracket)

; Comments

(comment) @comment
[
  (doc_comment)
  (file_doc)
] @comment.documentation
