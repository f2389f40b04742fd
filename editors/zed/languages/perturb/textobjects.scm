(experiment body: (block) @function.inside) @function.around
(scenario body: (block) @function.inside) @function.around
(fault body: (block) @function.inside) @function.around
(metric body: (block) @function.inside) @function.around
(record_item body: (block) @class.inside) @class.around
[
  (comment)
  (doc_comment)
  (file_doc)
] @comment.around
