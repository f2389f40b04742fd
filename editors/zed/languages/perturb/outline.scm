; The items of a file, and the sections of an experiment.

(experiment "experiment" @context name: (word) @name) @item
(scenario "scenario" @context name: (word) @name) @item
(fault "fault" @context name: (word) @name) @item
(metric "metric" @context name: (word) @name) @item
(verify "verify" @context name: (word) @name) @item
(policy "policy" @context name: (word) @name) @item
(gameday "gameday" @context name: (word) @name) @item
(record_item
  [
    "service"
    "team"
    "cluster"
    "environment"
    "slo"
    "incident"
  ] @context
  name: (word) @name) @item
(section
  [
    "hypothesis"
    "guard"
    "method"
    "agenda"
  ] @name) @item
(doc_comment) @annotation
