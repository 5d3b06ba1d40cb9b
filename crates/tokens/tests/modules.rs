//! The modules of the crate have no import cycle: their `use` lines are read and followed.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::Path;

/// The modules, by their paths such as `manager::refresh::driver`, with the text of each.
type Modules = BTreeMap<String, String>;

fn read(folder: &Path, module: &str, modules: &mut Modules) -> Result<(), Box<dyn Error>> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|it| it.to_str()).ok_or("no name")?;
        let of = |name: &str| match module {
            "" => name.to_owned(),
            module => format!("{module}::{name}"),
        };
        if path.is_dir() {
            read(&path, &of(name), modules)?;
        } else if path.extension().is_some_and(|it| it == "rs") && name != "lib" {
            modules.insert(of(name), fs::read_to_string(&path)?);
        }
    }
    Ok(())
}

/// The paths that the `use` lines of a text name, with each braced list taken apart. The tests
/// inside of a module may use whatever they test.
fn uses(text: &str) -> Vec<String> {
    let text = text.split("#[cfg(test)]").next().unwrap_or_default();
    let mut paths = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let is_line = rest[..at].ends_with('\n') || rest[..at].ends_with("pub ") || at == 0;
        rest = &rest[at + 4..];
        if let Some(end) = rest.find(';').filter(|_| is_line) {
            let statement: String = rest[..end].split_whitespace().collect::<Vec<_>>().join(" ");
            expand("", &statement, &mut paths);
        }
    }
    paths
}

fn expand(prefix: &str, tree: &str, into: &mut Vec<String>) {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let path = tree.split(" as ").next().unwrap_or(tree);
        into.push(format!("{prefix}{path}"));
        return;
    };
    let prefix = format!("{prefix}{}", &tree[..open]);
    let inner = tree[open + 1..].trim_end_matches('}');
    let (mut depth, mut from) = (0, 0);
    for (at, sign) in inner.char_indices().chain([(inner.len(), ',')]) {
        match sign {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&prefix, &format!("{}{}", &inner[from..at], ""), into);
                from = at + 1;
            }
            _ => {}
        }
    }
}

/// The module that a path used in `module` leads to, if it is one of the crate.
fn target(module: &str, path: &str, modules: &Modules) -> Option<String> {
    let mut at: Vec<&str> = module.split("::").collect();
    let mut parts: Vec<&str> = path.split("::").collect();
    match parts[0] {
        "crate" => at.clear(),
        "self" => {}
        "super" => drop(at.pop()),
        // A path of a child, or of another crate.
        child if modules.contains_key(&format!("{module}::{child}")) => parts.insert(0, "self"),
        _ => return None,
    }
    for part in &parts[1..] {
        if *part == "super" {
            at.pop();
            continue;
        }
        let longer = at.iter().chain([part]).copied().collect::<Vec<_>>().join("::");
        if !modules.contains_key(&longer) {
            break;
        }
        at.push(part);
    }
    Some(at.join("::")).filter(|it| it != module && modules.contains_key(it))
}

#[test]
fn no_module_imports_one_that_imports_it() -> Result<(), Box<dyn Error>> {
    let mut modules = Modules::new();
    read(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), "", &mut modules)?;
    let mut imports: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (module, text) in &modules {
        let targets = uses(text).into_iter().filter_map(|it| target(module, &it, &modules));
        imports.insert(module, targets.collect());
    }
    let count: usize = imports.values().map(BTreeSet::len).sum();
    assert!(modules.len() > 30 && count > 60, "{} modules, {count} imports", modules.len());
    assert!(imports["manager::insert"].contains("manager::engine"), "the test is blind");
    // What imports nothing that is left is taken away, again and again.
    let mut left = imports.clone();
    loop {
        let done: Vec<&str> = left
            .iter()
            .filter(|(_, targets)| targets.iter().all(|it| !left.contains_key(it.as_str())))
            .map(|(module, _)| *module)
            .collect();
        if done.is_empty() {
            break;
        }
        for module in done {
            left.remove(module);
        }
    }
    for targets in left.values_mut() {
        targets.retain(|it| imports.contains_key(it.as_str()));
    }
    assert!(left.is_empty(), "these are in a cycle, or lead to one: {left:#?}");
    Ok(())
}
