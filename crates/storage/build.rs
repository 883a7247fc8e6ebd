//! The migrations are part of the binary, so a change of one is a change of this crate.

fn main() {
    println!("cargo::rerun-if-changed=../../migrations");
}
