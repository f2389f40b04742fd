(block "}" @end) @indent
(arms "}" @end) @indent
(import_names "}" @end) @indent
(params ")" @end) @indent
(args ")" @end) @indent
(group ")" @end) @indent
(list "]" @end) @indent
