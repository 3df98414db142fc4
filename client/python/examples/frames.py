"""A camera and its viewer, two processes: frames go by numpy, a number tells of each, and none is copied."""

import multiprocessing
import sys

import memshare
import numpy

SHAPE = (480, 640)


def film(frames):
    picture, number = memshare.open("picture"), memshare.open("frame number")
    pixels = numpy.asarray(picture)
    for frame in range(1, frames + 1):
        with picture.get_lock():
            pixels[...] = frame % 256
        number.value = frame


def view(picture, number, frames):
    pixels = numpy.asarray(picture)
    seen = 0
    while seen < frames:
        number.wait(seen)
        with picture.get_lock():
            assert pixels.min() == pixels.max(), "half of one frame and half of another"
            seen = number.value
    return pixels[0, 0]


if __name__ == "__main__":
    frames = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    picture = memshare.Array("B", SHAPE[0] * SHAPE[1], shape=SHAPE, name="picture")
    number = memshare.Value("q", name="frame number")
    camera = multiprocessing.Process(target=film, args=(frames,))
    camera.start()
    print(f"the last of {frames} frames is of {view(picture, number, frames)}")
    camera.join()
