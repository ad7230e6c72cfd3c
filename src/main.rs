//! The `offkey` program: everything is in the library, this only returns its exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    offkey::cli::main()
}
