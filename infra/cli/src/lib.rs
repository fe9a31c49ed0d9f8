//! What the operators' command `palisade` does, apart from its terminal.

pub mod dump;
pub mod import_django;
