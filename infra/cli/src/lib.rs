//! What the operators' command `palisade` does, apart from its terminal.

mod accounts;
pub mod arguments;
mod blocks;
pub mod cognito;
pub mod dump;
mod explain;
pub mod import_django;
mod incidents;
mod migration;
pub mod operator;
pub mod replay;
pub mod run;
mod table;
mod why;
