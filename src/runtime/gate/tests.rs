//! The pure half: what is read off the cluster, and what follows from it.
