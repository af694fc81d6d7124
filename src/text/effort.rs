//! How much of a text is looked at. Tests hold by it that a long text costs no more than its length,
//! whatever is in it; outside tests nothing is counted.

#[cfg(test)]
thread_local! {
    static LOOKED_AT: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
}

/// So many characters, or bytes, were looked at.
#[cfg(test)]
pub fn looked_at(amount: usize) {
    LOOKED_AT.with(|count| count.set(count.get() + amount));
}

#[cfg(not(test))]
#[inline]
pub const fn looked_at(_: usize) {}

/// How much this work looks at.
#[cfg(test)]
pub fn of<T>(work: impl FnOnce() -> T) -> usize {
    LOOKED_AT.with(|count| count.set(0));
    work();
    LOOKED_AT.with(std::cell::Cell::get)
}
