//! The migrations are part of the binary, so a change of one is a change of this crate.

fn main() {
    // Read by cargo from the build script's output; there is no other way to tell it.
    #[expect(clippy::print_stdout, reason = "cargo takes its instructions from the standard output")]
    {
        println!("cargo::rerun-if-changed=../../migrations/sqlite");
    }
}
