// Whether a device is gone: nothing that it computed since says anything.

/** Whether a device is lost, or is so within some milliseconds: the news comes after the first failures. */
export async function isLost(device: GPUDevice, within = 0): Promise<boolean> {
  const isOver = new Promise<boolean>(resolve => setTimeout(resolve, within, false));
  return Promise.race([device.lost.then(() => true), isOver]);
}
