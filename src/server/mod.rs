//! Servers: protocols and nothing else. What they answer is computed by the layers below.

pub mod lsp;
