//! The standard library: what each fault promises, each engine keeps.
