/**
 * Datasets as they are published: their files, what these hold, and where they are.
 */

/** A file, known by what it holds. */
export interface PublishedFile {
  readonly name: string
  /** SHA-256, in hexadecimal. */
  readonly sha256: string
  /** Of the file itself, or of its content before compression: mirrors compress anew, and the content stays. */
  readonly of: 'file' | 'content'
  /** No honest copy of the file is longer. */
  readonly most: number
}

/** A dataset. */
export interface PublishedSet {
  readonly title: string
  readonly files: readonly PublishedFile[]
  /** Addresses under which the files have their names, asked in this order. */
  readonly mirrors: readonly string[]
  /** What a run says to use it, where `folder` is the one they lie in. */
  readonly use: (folder: string) => Readonly<Record<string, unknown>>
}

export const publishedNames = ['mnist', 'fashion-mnist', 'cifar10'] as const
export type PublishedName = (typeof publishedNames)[number]

const MiB = 2 ** 20

const idx = (sums: readonly [string, string, string, string]): readonly PublishedFile[] =>
  [
    ['train-images-idx3-ubyte.gz', 48 * MiB],
    ['train-labels-idx1-ubyte.gz', MiB],
    ['t10k-images-idx3-ubyte.gz', 8 * MiB],
    ['t10k-labels-idx1-ubyte.gz', MiB],
  ].map(([name, most], i) => ({ name: name as string, most: most as number, sha256: sums[i] as string, of: 'content' }))

export const published: Readonly<Record<PublishedName, PublishedSet>> = {
  mnist: {
    title: 'MNIST',
    files: idx([
      'ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db',
      '65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5',
      '0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7',
      'ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2',
    ]),
    mirrors: ['https://ossci-datasets.s3.amazonaws.com/mnist/', 'https://storage.googleapis.com/cvdf-datasets/mnist/'],
    use: (folder) => ({ kind: 'idx', folder }),
  },
  'fashion-mnist': {
    title: 'Fashion-MNIST',
    files: idx([
      'c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888',
      'bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9',
      '5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b',
      '0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34',
    ]),
    mirrors: [
      'http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/',
      'https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/',
    ],
    use: (folder) => ({ kind: 'idx', folder }),
  },
  cifar10: {
    title: 'CIFAR-10',
    files: [
      {
        name: 'cifar-10-binary.tar.gz',
        // Its published MD5 is c32a1d4ab5d03f1284b67883e8d87530.
        sha256: 'c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd',
        of: 'file',
        most: 170_052_171,
      },
    ],
    mirrors: [
      'https://www.cs.toronto.edu/~kriz/',
      'https://storage.googleapis.com/s4tf-hosted-binaries/datasets/CIFAR10/',
    ],
    use: (path) => ({ kind: 'cifar10', path }),
  },
}
