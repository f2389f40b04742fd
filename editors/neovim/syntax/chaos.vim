" Colours for .chaos files without a server or a parser.
if exists("b:current_syntax")
  finish
endif
syntax keyword chaosItem experiment scenario service team cluster environment slo incident metric fault verify policy gameday import
syntax keyword chaosLine hypothesis guard method agenda engine expect recovery abort when only never on approval by with wait check
syntax keyword chaosLine parallel sequence for each ask note run every require forbid let within but during faults except because where
syntax keyword chaosOperator and or not in as of one all match
syntax keyword chaosConstant true false none
syntax match chaosField "\v[a-z][a-z0-9]*(-[a-z0-9]+)*\ze\s*:"
syntax match chaosType "\v<[A-Z][A-Za-z]*>"
syntax match chaosNumber "\v<[0-9][0-9_.]*(us|ms|s|m|h|d|\%|Mbit/s|kbit/s|Gbit/s|bit/s|cores|[KMGT]iB|[kMGT]B|B|/s)?"
syntax region chaosString start=+"+ skip=+\\.+ end=+"+ oneline contains=chaosHole
syntax region chaosString start=+"""+ end=+"""+ contains=chaosHole
syntax region chaosHole matchgroup=chaosOperator start="\${" end="}" contained
syntax match chaosComment "//.*$"
syntax match chaosDoc "//[/!].*$"
highlight default link chaosItem Keyword
highlight default link chaosLine Statement
highlight default link chaosOperator Operator
highlight default link chaosConstant Constant
highlight default link chaosField Identifier
highlight default link chaosType Type
highlight default link chaosNumber Number
highlight default link chaosString String
highlight default link chaosHole Special
highlight default link chaosComment Comment
highlight default link chaosDoc SpecialComment
let b:current_syntax = "chaos"
