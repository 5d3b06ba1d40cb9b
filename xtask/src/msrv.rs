//! Whether the declared `rust-version` is one that the dependencies can be built with.
//!
//! Our own code is held to it by clippy's `incompatible_msrv`; this task looks at the normal and
//! build dependencies of the published crates, with all features, on every platform. A crate may
//! declare more than the others, for what it alone brings along.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    command::Outcome,
    metadata::{Package, Workspace},
};

/// A Rust release: major, minor, patch.
type Release = (u32, u32, u32);

/// What edition 2024 needs by itself.
const EDITION: Release = (1, 85, 0);

/// Fails when a dependency needs a newer Rust than the published crate declares that brings it.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let packages: BTreeMap<_, _> =
        workspace.packages.iter().map(|p| ((p.name.as_str(), p.version.as_str()), p)).collect();
    let published = workspace.published();
    let mut brought = BTreeMap::new();
    for package in &published {
        let args = ["--package", &package.name, "--edges", "normal,build", "--all-features"];
        let tree: BTreeSet<_> = workspace.tree(&args)?.into_iter().collect();
        brought.insert(package.name.as_str(), tree);
    }

    // By what they declare: most of ours declare the same.
    let mut crates: BTreeMap<Release, Vec<&Package>> = BTreeMap::new();
    for package in &published {
        crates.entry(declared(package)?).or_default().push(package);
    }
    let mut problems = Vec::new();
    let mut silent = BTreeSet::new();
    for (&declared, ours) in &crates {
        // What a crate that declares more brings along is that crate's: one that declares less
        // has it as a feature, and needs as much only with it.
        let later = crates.range(declared..).skip(1).flat_map(|(_, later)| later);
        let of_later: BTreeSet<_> =
            later.flat_map(|package| &brought[package.name.as_str()]).collect();
        let dependencies = ours.iter().flat_map(|package| &brought[package.name.as_str()]);
        let mut needed: BTreeMap<Release, BTreeSet<&str>> = BTreeMap::new();
        for (name, version) in dependencies.filter(|it| !of_later.contains(it)) {
            let Some(dependency) = packages.get(&(name.as_str(), version.as_str())) else {
                return Err(format!("`cargo metadata` does not know {name} {version}").into());
            };
            if published.iter().any(|ours| ours.name == *name) {
                continue;
            }
            match &dependency.rust_version {
                Some(text) => {
                    needed.entry(release(text)?).or_default().insert(&dependency.name);
                }
                None => {
                    silent.insert(dependency.name.as_str());
                }
            }
        }
        let names = listed(&ours.iter().map(|package| package.name.as_str()).collect());
        println!("{names}: Rust {}", shown(declared));
        problems.extend(judged(declared, &needed));
    }
    if !silent.is_empty() {
        println!("({} dependencies do not say what they need)", silent.len());
    }
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n").into()) }
}

/// What is wrong with what is declared, seen beside what dependencies need.
fn judged(declared: Release, needed: &BTreeMap<Release, BTreeSet<&str>>) -> Option<String> {
    let Some((&highest, by)) = needed.last_key_value() else {
        println!("  no dependency says what it needs");
        return None;
    };
    let by = listed(by);
    println!("  dependencies need: Rust {}, because of {by}", shown(highest));
    if declared < highest {
        return Some(format!(
            "rust-version is {}, but {by} cannot be built below {}: raise it, or hold the \
             dependency back",
            shown(declared),
            shown(highest)
        ));
    }
    let lowest = highest.max(EDITION);
    if declared > lowest {
        println!("  it could be {}, as far as dependencies and edition go", shown(lowest));
    }
    None
}

fn declared(package: &Package) -> Outcome<Release> {
    match &package.rust_version {
        Some(text) => release(text),
        None => Err(format!("{} declares no rust-version", package.name).into()),
    }
}

/// Reads `1.88` or `1.88.0`.
fn release(text: &str) -> Outcome<Release> {
    let mut numbers = text.splitn(3, '.').map(str::parse);
    match (numbers.next(), numbers.next().transpose(), numbers.next().transpose()) {
        (Some(Ok(major)), Ok(minor), Ok(patch)) => {
            Ok((major, minor.unwrap_or(0), patch.unwrap_or(0)))
        }
        _ => Err(format!("`{text}` is not a version of Rust").into()),
    }
}

fn shown((major, minor, patch): Release) -> String {
    if patch == 0 { format!("{major}.{minor}") } else { format!("{major}.{minor}.{patch}") }
}

fn listed(names: &BTreeSet<&str>) -> String {
    names.iter().copied().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_compare_as_numbers() {
        let read = |text| release(text).unwrap();
        assert_eq!(read("1.88"), read("1.88.0"));
        assert!(read("1.100") > read("1.88.1"));
        assert!(release("stable").is_err());
    }
}
