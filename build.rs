//! Embeds the templates of `bird init`: every file of each folder below `templates/`, and Bird's own
//! migrations, schemas and config, which stand at the root of the repository.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The files of the template `bird`: where they stand, and where `bird init` writes them.
const BIRD: &[(&str, &str)] = &[
    ("config/bird.toml", "bird.toml"),
    ("migrations", "migrations"),
    ("schema", "schema"),
];

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(std::env::var("CARGO_MANIFEST_DIR")?);
    let mut folders = Vec::new();
    let mut bird = Vec::new();
    for (from, to) in BIRD {
        collect(&root.join(from), to, &mut bird)?;
        println!("cargo::rerun-if-changed={from}");
    }
    folders.push(("bird".to_owned(), bird));
    println!("cargo::rerun-if-changed=templates");
    for entry in fs::read_dir(root.join("templates"))? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let mut files = Vec::new();
        collect(&entry.path(), "", &mut files)?;
        folders.push((name, files));
    }
    folders.sort();
    let mut text = String::from("&[\n");
    for (name, mut files) in folders {
        files.sort();
        writeln!(text, "({name:?}, &[")?;
        for (path, source) in files {
            writeln!(text, "({path:?}, include_str!({source:?})),")?;
        }
        text.push_str("]),\n");
    }
    text.push_str("]\n");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    fs::write(out.join("templates.rs"), text)?;
    Ok(())
}

/// Lists a file, or the files below a folder, with the paths that they have in a new project.
fn collect(
    path: &Path,
    shown: &str,
    files: &mut Vec<(String, PathBuf)>,
) -> Result<(), Box<dyn Error>> {
    if !path.is_dir() {
        files.push((shown.to_owned(), path.to_path_buf()));
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let inner = if shown.is_empty() {
            name
        } else {
            format!("{shown}/{name}")
        };
        collect(&entry.path(), &inner, files)?;
    }
    Ok(())
}
