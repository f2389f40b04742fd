//! Names, types, evaluation: from trees to one typed program.
//!
//! [`build`] turns one file's tree into plain data ([`program`]), dropping nothing that has a meaning and keeping a span
//! for everything. Names are resolved and expressions typed and evaluated by one partial evaluator (`evaluate`), which
//! works alike on values that are known and on values of which only the type is known (a scenario's parameters).
//!
//! May use: `source`, `diagnostic`, `syntax`, `types`, `plan` (conditions and facts are written in its words).

pub mod program;
