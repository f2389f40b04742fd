//! A project in one input: lines `// file: NAME.chaos` begin its files, as in the pages of `docs/errors/`.

use perturb::source::Memory;

/// The sources, and the paths of all files.
pub fn read(bytes: &[u8]) -> (Memory, Vec<String>) {
    let text = String::from_utf8_lossy(bytes);
    let mut files: Vec<(String, String)> = vec![("main.chaos".to_owned(), String::new())];
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("// file: ") {
            Some(name) => files.push((name.trim().to_owned(), String::new())),
            None => files.last_mut().expect("one at least").1.push_str(line),
        }
    }
    files.retain(|(_, text)| !text.is_empty());
    let roots = files.iter().map(|(path, _)| path.clone()).collect();
    (Memory::new(files), roots)
}
