"""Write videos: lossless to be read again, small to be looked at.

A file is encoded in memory, written beside its place and renamed, so that no reader ever sees half of one.
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import av
import torch
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from PIL import Image
from torch import Tensor

from vgbench.errors import ConfigError, VideoError
from vgbench.files import new_file, writing

_EXACT = int(Interpolation.BICUBIC | Interpolation.FULL_CHR_H_INT | Interpolation.ACCURATE_RND | Interpolation.BITEXACT)
_BT709 = 1  # AVCOL_SPC_BT709, AVCOL_PRI_BT709 and AVCOL_TRC_BT709 share the number
_MAX_FPS = 1000  # Matroska's clock ticks in milliseconds
_ADVICE = "Check the folder, its permissions and free space."


class _Recipe(NamedTuple):
    """How to encode."""

    container: str
    codec: str
    pixel_format: str
    options: dict[str, str]


def write_lossless(path: str | Path, video_tchw: Tensor, fps: float) -> None:
    """FFV1 in Matroska; `read_video` gives the same bits back, at any size and length.

    video_tchw: uint8 (T, C, H, W), C = 1 or 3; fps: frames per second, over 0 and up to 1000.  Each frame stands alone and carries a
    checksum.  Raises VideoError: not such a video, or the file cannot be written, which then does not exist; ConfigError: the rate.
    """
    path = Path(path)
    _check_video(path, video_tchw)
    # Below this, four slices do not fit into a frame.
    slices = "4" if min(video_tchw.shape[-2:]) >= 16 else "1"
    pixel_format = "gray" if video_tchw.shape[1] == 1 else "bgr0"
    options = {"level": "3", "slicecrc": "1", "slices": slices, "g": "1"}
    _write(path, _encoded(path, video_tchw, fps, _Recipe("matroska", "ffv1", pixel_format, options)))


def write_preview(path: str | Path, video_tchw: Tensor, fps: float) -> None:
    """H.264 in MP4 for browsers: yuv420p, BT.709, near transparent quality (CRF 16).

    Odd sizes are padded by repeating the last row and column, grey is repeated into RGB.  Takes and raises what `write_lossless` does.
    """
    path = Path(path)
    _check_video(path, video_tchw)
    rgb = video_tchw.expand(-1, 3, -1, -1)
    height, width = rgb.shape[-2:]
    rgb = torch.cat([rgb, rgb[..., -1:, :]], dim=-2) if height % 2 else rgb
    rgb = torch.cat([rgb, rgb[..., -1:]], dim=-1) if width % 2 else rgb
    recipe = _Recipe("mp4", "libx264", "yuv420p", {"crf": "16", "preset": "medium"})
    _write(path, _encoded(path, rgb, fps, recipe))


def strip(videos: Sequence[Tensor], *, gap: int = 2, gap_value: int = 255) -> Tensor:
    """The videos side by side, left to right, `gap` pixels of `gap_value` between them: uint8 (T, C, H, W) for `write_preview`.

    videos: uint8 (T, C, H, W) each.  The longest and the highest count: shorter videos hold their last frame, lower ones are padded
    below; grey is repeated into RGB beside RGB.  Raises VideoError for no video at all, or for what is none.
    """
    if not videos:
        raise VideoError("a strip needs at least one video; none was given.")
    for number, video in enumerate(videos):
        _check_video(f"video {number} of the strip", video)
    frames, channels, height = (max(int(video.shape[axis]) for video in videos) for axis in range(3))
    pieces: list[Tensor] = []
    for video in videos:
        fitted = torch.full((frames, channels, height, video.shape[3]), gap_value, dtype=torch.uint8)
        fitted[:, :, : video.shape[2]] = video[torch.arange(frames).clamp(max=len(video) - 1)]
        pieces += [fitted, torch.full((frames, channels, height, gap), gap_value, dtype=torch.uint8)]
    return torch.cat(pieces[:-1], dim=-1)


def _check_video(where: str | Path, video: Tensor) -> None:
    if video.dtype != torch.uint8 or video.ndim != 4 or video.shape[1] not in (1, 3) or 0 in video.shape:
        raise VideoError(
            f"{where}: a video is uint8 (T, C, H, W) with C = 1 or 3 and at least one frame, not {video.dtype} {tuple(video.shape)}."
        )


def _rate(fps: float) -> Fraction:
    """As a fraction that also NTSC's rates survive (30000/1001)."""
    if not math.isfinite(fps) or not 0 < fps <= _MAX_FPS:
        raise ConfigError(f"fps = {fps}: the frames per second must be over 0 and up to {_MAX_FPS}.")
    return max(Fraction(fps).limit_denominator(1001), Fraction(1, 1001))


def _encoded(path: Path, video_tchw: Tensor, fps: float, recipe: _Recipe) -> bytes:
    """The bytes of the finished file."""
    rate = _rate(fps)
    buffer = io.BytesIO()
    try:
        with av.open(buffer, "w", format=recipe.container) as container:
            stream = container.add_stream(recipe.codec, rate=rate, options=recipe.options)
            assert isinstance(stream, av.VideoStream)
            stream.height, stream.width = video_tchw.shape[-2:]
            stream.pix_fmt = recipe.pixel_format
            stream.metadata["NUMBER_OF_FRAMES"] = str(len(video_tchw))
            if recipe.pixel_format == "yuv420p":
                context = stream.codec_context
                context.colorspace = context.color_primaries = context.color_trc = _BT709
                context.color_range = ColorRange.MPEG
            for number, image_chw in enumerate(video_tchw.cpu()):
                frame = _frame(image_chw, recipe.pixel_format)
                frame.pts, frame.time_base = number, 1 / rate
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoError(f"{path}: {tuple(video_tchw.shape)} cannot be encoded with {recipe.codec}: {error}. Try another size.") from error
    return buffer.getvalue()


def _frame(image_chw: Tensor, pixel_format: str) -> av.VideoFrame:
    if pixel_format == "gray":
        return av.VideoFrame.from_ndarray(image_chw[0].contiguous().numpy(), format="gray")
    frame = av.VideoFrame.from_ndarray(image_chw.permute(1, 2, 0).contiguous().numpy(), format="rgb24")
    if pixel_format != "yuv420p":
        return frame.reformat(format=pixel_format)
    return frame.reformat(format=pixel_format, dst_colorspace=Colorspace.ITU709, dst_color_range=ColorRange.MPEG, interpolation=_EXACT)


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    with (
        writing(f"{path} ({len(content):,} bytes)", error=VideoError, advice=_ADVICE),
        new_file(path, flushed=False) as partial,
    ):
        partial.write_bytes(content)


def write_pictures(folder: Path | str, video: Tensor) -> None:
    """Write the frames, uint8 (T, C, H, W) with 1 or 3 channels, as `folder/0000.png`, ….  VideoError: the folder cannot be written."""
    folder = Path(folder)
    with writing(folder, error=VideoError, advice=_ADVICE):
        folder.mkdir(parents=True, exist_ok=True)
        for number, frame in enumerate(video):
            pixels = frame.permute(1, 2, 0).contiguous().cpu().numpy()
            Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels).save(folder / f"{number:04d}.png")
