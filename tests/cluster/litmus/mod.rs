//! Litmus, whose operator and faults cannot be had as a library: a model of how its faults read their variables
//! (`variables.txt`), and a stand-in for its operator on a real API server.

mod operator;
mod variables;
