//! Compiles the generated parser and the scanner.

fn main() {
    let mut build = cc::Build::new();
    // What the generator writes is not ours to tidy.
    build.std("c11").include("src").warnings(false);
    for file in ["src/parser.c", "src/scanner.c"] {
        println!("cargo:rerun-if-changed={file}");
        build.file(file);
    }
    build.compile("tree-sitter-perturb");
}
