"""Many processes count the digits of pi in one array, each without waiting for another."""

import multiprocessing

import memshare


def digits_of_pi(count):
    """By Gibbons's spigot."""
    q, r, t, k, m, x = 1, 0, 1, 1, 3, 3
    while count:
        if 4 * q + r - t < m * t:
            yield m
            count -= 1
            q, r, m = 10 * q, 10 * (r - m * t), 10 * (3 * q + r) // t - 10 * m
        else:
            q, r, t, k, m, x = q * k, (2 * q + r) * x, t * x, k + 1, (q * (7 * k + 2) + r * x) // (t * x), x + 2


def count(histogram, digits):
    for digit in digits:
        histogram.add(digit, 1)


if __name__ == "__main__":
    digits = list(digits_of_pi(1000))
    histogram = memshare.Array("q", 10, name="digits of pi")
    processes = [multiprocessing.Process(target=count, args=(histogram, digits[i::4])) for i in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    print(histogram[:], "of", sum(histogram))
