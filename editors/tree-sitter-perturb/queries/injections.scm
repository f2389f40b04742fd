; The query of a metric is PromQL; what a hole puts into it is not.

(metric
  body: (block
    (field
      key: (word) @_key
      value: (text (text_part) @injection.content)))
  (#eq? @_key "prometheus")
  (#set! injection.language "promql")
  (#set! injection.combined))
