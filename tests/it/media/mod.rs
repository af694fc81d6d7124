//! Files that users send, as the child process reads them.

mod hostile;
mod inspection;
