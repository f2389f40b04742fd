//! Tests of the whole: what people read and type, against what the compiler does.

mod cli;
mod docs;
mod examples;
mod stdlib;
mod support;
