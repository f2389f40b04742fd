; How lines are indented: what stands in brackets by one more than the line that opens them.

[
  (block)
  (arms)
  (import_names)
  (params)
  (args)
  (list)
  (group)
] @indent.begin

[
  "}"
  ")"
  "]"
] @indent.branch @indent.end

; The next line of a line: a tail, or an operand.
[
  (expect)
  (check)
  (recovery)
  (abort)
  (inject)
  (demand)
] @indent.begin

; Nothing in a long text is ours to move.
(text) @indent.ignore
