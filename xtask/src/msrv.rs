//! Whether the declared `rust-version` is one that the dependencies can be built with.
//!
//! Our own code is held to it by clippy's `incompatible_msrv`; this task looks at the normal and
//! build dependencies of the published crates, with all features, on every platform.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    command::Outcome,
    metadata::{Package, Workspace},
};

/// A Rust release: major, minor, patch.
type Release = (u32, u32, u32);

/// What edition 2024 needs by itself.
const EDITION: Release = (1, 85, 0);

/// Fails when a dependency needs a newer Rust than a published crate declares.
pub(crate) fn run(workspace: &Workspace) -> Outcome {
    let packages: BTreeMap<_, _> =
        workspace.packages.iter().map(|p| ((p.name.as_str(), p.version.as_str()), p)).collect();
    let published = workspace.published();
    let declared = declared(&published)?;

    let mut needed: BTreeMap<Release, BTreeSet<&str>> = BTreeMap::new();
    let mut silent = BTreeSet::new();
    for package in &published {
        let args = ["--package", &package.name, "--edges", "normal,build", "--all-features"];
        for (name, version) in workspace.tree(&args)? {
            let Some(dependency) = packages.get(&(name.as_str(), version.as_str())) else {
                return Err(format!("`cargo metadata` does not know {name} {version}").into());
            };
            if published.iter().any(|ours| ours.name == name) {
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
    }

    let declared_text = shown(declared);
    let Some((&highest, by)) = needed.last_key_value() else {
        println!("declared: Rust {declared_text}; no dependency says what it needs");
        return Ok(());
    };
    let by = listed(by);
    println!("declared: Rust {declared_text}");
    println!("dependencies need: Rust {}, because of {by}", shown(highest));
    if !silent.is_empty() {
        println!("({} dependencies do not say what they need)", silent.len());
    }
    if declared < highest {
        return Err(format!(
            "rust-version is {declared_text}, but {by} cannot be built below {}: raise it in the \
             root Cargo.toml, or hold the dependency back",
            shown(highest)
        )
        .into());
    }
    let lowest = highest.max(EDITION);
    if declared > lowest {
        println!("it could be {}, as far as dependencies and edition go", shown(lowest));
    }
    Ok(())
}

/// What the published crates declare, which has to be one and the same.
fn declared(published: &[&Package]) -> Outcome<Release> {
    let mut versions = BTreeMap::new();
    for package in published {
        let Some(text) = &package.rust_version else {
            return Err(format!("{} declares no rust-version", package.name).into());
        };
        versions.insert(release(text)?, &package.name);
    }
    match versions.keys().collect::<Vec<_>>()[..] {
        [one] => Ok(*one),
        [] => Err("no crate of the workspace is published".into()),
        _ => Err(format!("the published crates declare different versions: {versions:?}").into()),
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
