; `maf`, `mif`: an experiment or what is made like one. `mac`: a declaration. `maa`: a parameter, an argument.

(experiment body: (block) @function.inside) @function.around
(scenario body: (block) @function.inside) @function.around
(fault body: (block) @function.inside) @function.around
(metric body: (block) @function.inside) @function.around

(record_item body: (block) @class.inside) @class.around
(policy body: (block) @class.inside) @class.around
(verify body: (block) @class.inside) @class.around
(gameday body: (block) @class.inside) @class.around

(param) @parameter.inside
(arg) @parameter.inside

[
  (comment)
  (doc_comment)
  (file_doc)
] @comment.inside
(comment)+ @comment.around
(doc_comment)+ @comment.around
